"""Pairs without a gold label, predictions without an answer, and two-way heads: kept and read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.analysis.metrics import compute_metrics, confusion
from nliexplorer.analysis.outputs import outputs
from nliexplorer.records import (
    NON_ENTAILMENT,
    UNKNOWN,
    Example,
    ExampleRow,
    Metrics,
    Prediction,
    Window,
    example_key,
    is_correct,
)
from nliexplorer.store.check import check_database
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.salvage import salvage
from nliexplorer.store.writer import StoreWriter
from tests.databases import pairs

EXAMPLES = [
    *pairs(4),
    Example("A cat sleeps.", "An animal rests.", None),
    Example("A cat sleeps.", "A dog rests.", None),
]
PREDICTIONS = [
    Prediction(EXAMPLES[0].label, answer="Surely.", explanation="It says so."),
    Prediction((EXAMPLES[1].gold + 1) % 3, truncated=True, window=Window(3, 4)),
    Prediction(None, answer="I cannot tell, sorry."),
    Prediction(EXAMPLES[3].label, truncated=False),
    Prediction(0),
    Prediction(None),
]


def _metrics(examples: list[Example], predictions: list[Prediction]) -> Metrics:
    return compute_metrics(
        [each.gold for each in examples],
        predicted=[UNKNOWN if p.predicted is None else p.predicted for p in predictions],
    )


def _rows(reader: StoreReader) -> list[ExampleRow]:
    return reader.predictions.rows(reader.runs.evaluation("chat"))


@pytest.fixture
def answered(tmp_path: Path) -> Path:
    path = tmp_path / "answers.db"
    with StoreWriter(path) as writer:
        run = writer.create_run(name="chat", objective="imported", data="d", model="m").id
        result = _metrics(EXAMPLES, PREDICTIONS)
        writer.store_evaluation(run, "dev", EXAMPLES, PREDICTIONS, result)
        writer.finish_run(run, status="done")
    return path


def test_accuracy_is_of_pairs_with_an_answer_and_a_label() -> None:
    result = _metrics(EXAMPLES, PREDICTIONS)
    assert (result.n, result.unanswered, result.unlabelled, result.scored) == (6, 2, 1, 3)
    assert result.accuracy == pytest.approx(2 / 3)
    nothing = compute_metrics([UNKNOWN, 0], predicted=[1, UNKNOWN])
    assert (nothing.n, nothing.accuracy, nothing.unanswered, nothing.unlabelled) == (2, None, 1, 1)


def test_scores_of_unscored_pairs_are_left_out() -> None:
    rng = np.random.default_rng(0)
    gold, logits = rng.integers(0, 3, 40), rng.normal(size=(40, 3))
    partly = np.where(np.arange(40) < 10, UNKNOWN, gold)
    whole, part = (
        compute_metrics(gold[10:], logits=logits[10:]),
        compute_metrics(partly, logits=logits),
    )
    assert part.as_dict() == whole.as_dict() | {"n": 40, "unlabelled": 10}


def test_they_come_back_as_they_were(answered: Path) -> None:
    with StoreReader(answered) as reader:
        rows = _rows(reader)
        assert [row.gold for row in rows] == [each.label for each in EXAMPLES]
        assert [row.predicted for row in rows] == [p.predicted for p in PREDICTIONS]
        assert [row.correct for row in rows] == [True, False, None, True, None, None]
        for name in ("answer", "explanation", "truncated", "window"):
            assert [getattr(r, name) for r in rows] == [getattr(p, name) for p in PREDICTIONS]
        unlabelled = EXAMPLES[4]
        key = example_key(unlabelled.premise, unlabelled.hypothesis, None)
        assert reader.examples.get(key).example == unlabelled
        assert reader.runs.get("chat").metrics["dev"] == _metrics(EXAMPLES, PREDICTIONS)
    assert check_database(answered) == []


def test_they_are_neither_right_nor_wrong(answered: Path) -> None:
    with StoreReader(answered) as reader:
        chat = reader.runs.evaluation("chat")
        assert reader.predictions.count(chat) == 6
        assert reader.predictions.count(chat, Filter.of({"is": "wrong"})) == 1
        assert reader.predictions.count(chat, Filter.of({"is": "right"})) == 2
        assert len(reader.predictions.arrays(chat)) == 3
        everything = reader.predictions.arrays(chat, scored_only=False)
        assert everything.gold.tolist() == [each.gold for each in EXAMPLES]
        assert everything.predicted.tolist()[-2:] == [0, UNKNOWN]
        unsure = Filter.of({}, sort="-conf")
        page = reader.predictions.page(chat, unsure, limit=2)
        rest = reader.predictions.page(chat, unsure, after=page.next, limit=10)
        assert len({row.example_id for row in (*page.rows, *rest.rows)}) == 6


def test_answers_go_with_their_predictions(answered: Path, tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "merged.db") as writer:
        writer.merge_from(answered)
    salvage(answered, tmp_path / "saved.db")
    with StoreReader(answered) as reader:
        rows = _rows(reader)
    for copy in ("merged.db", "saved.db"):
        with StoreReader(tmp_path / copy) as reader:
            assert _rows(reader) == rows
        assert check_database(tmp_path / copy) == []
    with StoreReader(answered) as reader:
        run = reader.runs.get("chat").id
    others = PREDICTIONS[::-1]
    with StoreWriter(answered) as writer:
        writer.store_evaluation(run, "dev", EXAMPLES, others, _metrics(EXAMPLES, others))
    with closing(sqlite3.connect(answered)) as plain:
        assert plain.execute("select count(*) from answers").fetchone() == (2,)
    with StoreWriter(answered) as writer:
        writer.delete_run(run)
    with closing(sqlite3.connect(answered)) as plain:
        assert plain.execute("select count(*) from answers").fetchone() == (0,)


def test_a_two_way_head_against_three_labels(tmp_path: Path) -> None:
    examples = pairs(60)
    p = np.random.default_rng(1).uniform(size=60)
    predictions = [
        Prediction(0 if x >= 0.5 else NON_ENTAILMENT, None, (float(x), float(1 - x))) for x in p
    ]
    right = [
        is_correct(b.predicted or 0, a.gold) for a, b in zip(examples, predictions, strict=True)
    ]
    assert right == [(x >= 0.5) == (e.label == 0) for x, e in zip(p, examples, strict=True)]
    scores = [each.probabilities for each in predictions]
    gold = [each.gold for each in examples]
    figures = compute_metrics(gold, probabilities=scores)
    assert figures.accuracy == pytest.approx(np.mean(right))
    assert figures.nll == pytest.approx(
        -np.mean(np.log([x if e.label == 0 else 1 - x for x, e in zip(p, examples, strict=True)]))
    )
    with StoreWriter(tmp_path / "x.db") as writer:
        run = writer.create_run(name="two", objective="external", data="d", model="m").id
        writer.store_evaluation(run, "dev", examples, predictions, figures)
    with StoreReader(tmp_path / "x.db") as reader:
        rows = reader.predictions.rows(reader.runs.evaluation(run))
        assert [row.probabilities for row in rows] == scores
        assert [row.confidence for row in rows] == pytest.approx(
            [max(each) for each in scores if each]
        )
        arrays = reader.predictions.arrays(reader.runs.evaluation(run))
        assert arrays.probabilities is not None
        assert arrays.probabilities.shape == (60, 2)
        assert arrays.correct.tolist() == right
        again = outputs(arrays.gold, probabilities=arrays.probabilities, predicted=arrays.predicted)
        assert confusion(again).counts.trace() == sum(right)
        assert set(rows[0].as_dict()["probabilities"]) == {"entailment", "non-entailment"}
    with closing(sqlite3.connect(tmp_path / "x.db")) as plain:
        assert plain.execute("select classes from evaluations").fetchall() == [(2,)]
        names = plain.execute("select distinct predicted from prediction_labels").fetchall()
    assert sorted(names) == [("entailment",), ("non-entailment",)]
    assert check_database(tmp_path / "x.db") == []
