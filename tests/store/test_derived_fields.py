"""Filter fields that are worked out from texts, annotators, attributions and training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.analysis.attribution_stats import AttributionStats, attribution_statistics
from nliexplorer.analysis.dynamics import DatasetMap, dataset_map
from nliexplorer.errors import NliError
from nliexplorer.records import Attribution, Example, ExampleRow, Metrics, Prediction
from nliexplorer.store.filters import Filter, FilterError, parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.wording import has_negation, lexical_overlap
from tests.databases import whole_words

PAIRS = [
    Example("A man is asleep.", "A man sleeps.", 0, annotator_labels=(0, 0, 0, 0, 0)),
    Example("A man is asleep.", "The man isn't awake.", 0, annotator_labels=(0, 0, 1, 0, 2)),
    Example("Dogs run.", "Nobody is here.", 2, annotator_labels=(2, 2, 2, 2, 0)),
    Example("Dogs run.", "Dogs run.", 0, annotator_labels=(0,)),
    Example("Two girls sing.", "They have no shoes.", 1),
    *(Example(f"Premise {i}.", f"Hypothesis {i}.", i % 3) for i in range(20)),
]


@pytest.fixture
def learnt() -> DatasetMap:
    """What four epochs gave the gold label of PAIRS."""
    return dataset_map(*_course())


def _course() -> tuple[np.ndarray, np.ndarray]:
    p = np.random.default_rng(3).uniform(size=(4, len(PAIRS)))
    p[:, 4] = 0.25  # does not vary
    return p, p > 0.45


@pytest.fixture
def reader(tmp_path: Path) -> StoreReader:
    with StoreWriter(tmp_path / "runs.db") as writer:
        for name in ("watched", "unwatched"):
            run = writer.create_run(name=name, objective="baseline", data="snli", model="tiny")
            output = [Prediction(0) for _ in PAIRS]
            ids = writer.store_evaluation(run.id, "train", PAIRS, output, Metrics(len(PAIRS), 0.4))
            if name == "watched":
                for epoch, (p, right) in enumerate(zip(*_course(), strict=True), 1):
                    writer.add_dynamics(run.id, epoch, ids, p.tolist(), right.tolist())
                writer.add_attributions(run.id, [_attributed(i, ids) for i in range(7)])
    return StoreReader(tmp_path / "runs.db")


def _attributed(index: int, ids: list[int]) -> tuple[int, Attribution, str, AttributionStats]:
    pair = PAIRS[index]
    made = whole_words(pair, index)
    return ids[index], made, "gold", attribution_statistics(made, pair.premise, pair.hypothesis)


def _found(reader: StoreReader, text: str, run: str = "watched") -> list[int]:
    """Positions of the pairs that pass; the count and the pages agree with them."""
    run_id, expected = reader.runs.get(run).id, parse_filter(text)
    rows = reader.predictions.rows(reader.runs.evaluation(run_id, "train"), expected)
    assert reader.predictions.count(reader.runs.evaluation(run_id, "train"), expected) == len(rows)
    assert (
        reader.predictions.page(reader.runs.evaluation(run_id, "train"), expected, limit=100).rows
        == rows
    )
    assert parse_filter(expected.to_text()) == expected
    return [row.position for row in rows]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("negation:yes", lambda row: has_negation(row.hypothesis)),
        ("negation:no", lambda row: not has_negation(row.hypothesis)),
        ("overlap:>=0.5", lambda row: lexical_overlap(row.premise, row.hypothesis) >= 0.5),
        ("overlap:<0.5", lambda row: lexical_overlap(row.premise, row.hypothesis) < 0.5),
    ],
)
def test_wording(reader: StoreReader, text: str, holds: Callable[[ExampleRow], bool]) -> None:
    every = reader.predictions.rows(reader.runs.evaluation("watched", "train"))
    expected = [row.position for row in every if holds(row)]
    assert 0 < len(expected) < len(every)
    assert _found(reader, text) == expected


def test_annotators(reader: StoreReader) -> None:
    assert _found(reader, "agreement:5") == [0]
    assert _found(reader, "agreement:<=4") == [1, 2]  # one label alone is no agreement


def test_the_dataset_map(reader: StoreReader, learnt: DatasetMap) -> None:
    for region in ("easy-to-learn", "hard-to-learn", "ambiguous"):
        expected = [i for i, name in enumerate(learnt.region) if name == region]
        assert expected
        assert _found(reader, f"map:{region}") == expected
    assert _found(reader, "region:hard") == _found(reader, "map:hard-to-learn")


@pytest.mark.parametrize(
    ("field", "column"),
    [("learnt", "confidence"), ("variability", "variability"), ("forgotten", "forgetting")],
)
def test_training_figures(reader: StoreReader, learnt: DatasetMap, field: str, column: str) -> None:
    values = getattr(learnt, column)
    limit = float(np.median(values)) + 1e-9
    assert _found(reader, f"{field}:>{limit!r}") == np.flatnonzero(values > limit).tolist()


def test_attribution_columns(reader: StoreReader) -> None:
    stored = reader._connection.all(
        "select p.position, a.top_word, a.completeness_delta from attributions a "
        "join predictions p using (example_id) where p.evaluation_id = 1 order by p.position"
    )
    word = stored[0]["top_word"]
    expected = [row["position"] for row in stored if row["top_word"].lower() == word.lower()]
    assert _found(reader, f"top-word:{word.upper()}") == expected
    assert _found(reader, "completeness:>0.005") == [row["position"] for row in stored]
    assert _found(reader, "completeness:>0.02") == []


def test_nothing_recorded_is_said(reader: StoreReader) -> None:
    with pytest.raises(NliError, match="did not record"):
        _found(reader, "map:hard-to-learn", "unwatched")
    with pytest.raises(NliError, match="did not record"):
        _found(reader, "forgotten:>1", "unwatched")


def test_words_outside_the_list_are_refused() -> None:
    with pytest.raises(FilterError, match="map: has no value") as caught:
        parse_filter("wrong map:easily")
    assert "hard-to-learn" in caught.value.hint
    assert caught.value.column == 6


def test_the_shell_says_the_same() -> None:
    expected = Filter.of({"map": "hard-to-learn", "top-word": "a b"})
    command = expected.to_command("R")
    assert "--where=map:hard-to-learn" in command
    assert """'--where=top-word:"a b"'""" in command
    assert parse_filter(expected.to_text()) == expected


def test_a_split_without_training_pairs_is_told(reader: StoreReader) -> None:
    unseen = [Example("Nothing.", "Like it.", 0)]
    with StoreWriter(reader.path) as writer:
        run = reader.runs.get("watched").id
        writer.store_evaluation(run, "dev", unseen, [Prediction(0)], Metrics(1, 1.0))
    with pytest.raises(NliError, match="no pair of this split"):
        reader.predictions.ids(reader.runs.evaluation(run, "dev"), parse_filter("map:ambiguous"))
