"""The database answers in plain SQL what Python answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.records import Attribution, Example, Metrics
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.databases import pairs, predictions, whole_words

QUESTION = """
select avg(score) from attribution_tokens
where token = 'sleeping' and gold = 'contradiction' and not correct and run = 'first'
"""
BY_WORD = QUESTION.replace("attribution_tokens", "attribution_words").replace("token", "word")


@pytest.fixture
def plain(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(database)
    yield connection
    connection.close()


def _by_hand(database: Path) -> list[float]:
    with StoreReader(database) as reader:
        run = reader.runs.get("first").id
        return [
            score
            for row in reader.predictions.rows(reader.runs.evaluation(run))
            if row.gold == 2 and not row.correct
            for attribution in [reader.attributions.get(run, row.example_id)]
            if attribution is not None
            for token, score in zip(attribution.tokens, attribution.scores, strict=True)
            if token == "sleeping"
        ]


def test_mean_attribution_of_a_word_in_contradiction_errors(
    database: Path, plain: sqlite3.Connection
) -> None:
    scores = _by_hand(database)
    assert len(scores) > 1
    for question in (QUESTION, BY_WORD):
        assert plain.execute(question).fetchone()[0] == pytest.approx(np.mean(scores), abs=1e-9)


def test_words_are_their_pieces_summed(tmp_path: Path) -> None:
    example = Example("The Dog's SLEEPING.", "A dog sleeps", 2)
    attribution = Attribution(
        tokens=("[CLS]", "the", "dog", "'", "s", "sleep", "##ing", ".", "[SEP]", "a", "dog"),
        segments=("special", *["premise"] * 7, "special", "hypothesis", "hypothesis"),
        word_ids=(None, 0, 1, 2, 3, 4, 4, 5, None, 0, 1),
        spans=(
            (0, 0), (0, 3), (4, 7), (7, 8), (8, 9), (10, 15), (15, 18), (18, 19),
            (0, 0), (0, 1), (2, 5),
        ),
        scores=(9.0, 1.0, 2.0, 3.0, 4.0, 0.25, 0.5, 7.0, 9.0, -1.0, -2.0),
        target=2,
    )  # fmt: skip
    with StoreWriter(tmp_path / "x.db") as writer:
        run = writer.create_run(name="r", objective="baseline", data="d", model="m").id
        ids = writer.store_evaluation(
            run, "dev", [example], predictions([example], 1), Metrics(1, 1.0)
        )
        writer.add_attributions(run, [(ids[0], attribution, "gold", None)])
    with sqlite3.connect(tmp_path / "x.db") as plain:
        result = plain.execute(
            "select word, segment, score from attribution_words order by segment desc, position"
        ).fetchall()
        split = plain.execute("select distinct split, correct from attribution_tokens").fetchall()
    expected = [
        (word.text.lower(), word.segment, word.score)
        for word in attribution.words(example.premise, example.hypothesis)
        if word.segment != "special"
    ]
    assert result == expected
    assert ("sleeping", "premise", 0.75) in result
    assert len(split) == 1
    assert split[0][0] == "dev"


def test_a_pair_in_two_splits_stands_in_both(database: Path, plain: sqlite3.Connection) -> None:
    before = plain.execute("select count(*) from attribution_tokens").fetchone()[0]
    examples = pairs(200)
    with StoreWriter(database) as writer, StoreReader(database) as reader:
        run = reader.runs.get("first").id
        model_predictions = predictions(examples, 1)
        writer.store_evaluation(run, "again", examples, model_predictions, Metrics(200, 0.5))
        evaluation = writer.begin_evaluation(run, "unfinished")
        ids = writer.add_examples(examples)
        writer.add_predictions(evaluation, ids, range(200), examples, model_predictions)
    splits = dict(
        plain.execute(
            "select split, count(*) from attribution_tokens where run = 'first' group by split"
        ).fetchall()
    )
    assert set(splits) == {"dev", "again"}
    assert splits["dev"] == splits["again"] < before


def test_an_attribution_without_a_prediction_is_there(tmp_path: Path) -> None:
    example = Example("A dog.", "A cat.", 2)
    with StoreWriter(tmp_path / "x.db") as writer:
        run = writer.create_run(name="r", objective="baseline", data="d", model="m").id
        [row] = writer.add_examples([example])
        writer.add_attributions(run, [(row, whole_words(example), "gold", None)])
    with sqlite3.connect(tmp_path / "x.db") as plain:
        rows = plain.execute("select distinct predicted, correct from attribution_tokens")
        assert rows.fetchall() == [(None, None)]


def test_predictions_by_name(database: Path, plain: sqlite3.Connection) -> None:
    with StoreReader(database) as reader:
        rows = reader.predictions.rows(reader.runs.evaluation("first"))
    result = plain.execute(
        "select example_id, gold, predicted, correct, confidence from prediction_labels "
        "where run = 'first' and split = 'dev' order by position"
    ).fetchall()
    expected = [
        (d["example_id"], d["gold"], d["predicted"], int(row.correct), row.confidence)
        for row in rows
        for d in [row.as_dict()]
    ]
    assert result == expected
