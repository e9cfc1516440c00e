"""`hypothesis-only:wrong` as a filter: the same pairs as the slice, whoever asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nliexplorer.comparison.pairs import pair_runs
from nliexplorer.comparison.slices import fit_hypothesis_only
from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, Example, Metrics, Prediction
from nliexplorer.store.filters import parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow import hypothesis_only_field

#: Each word gives its label away, except in every fifth pair.
TELLING = ("outdoors", "tall", "nobody")
PAIRS = [
    Example(f"Premise {i}.", f"{TELLING[i % 3]} number {i}", (i + (i % 5 == 0)) % 3)
    for i in range(60)
]


@pytest.fixture
def reader(tmp_path: Path) -> StoreReader:
    with StoreWriter(tmp_path / "runs.db") as writer:
        for name, pairs in (("many", PAIRS), ("few", PAIRS[:2])):
            run = writer.create_run(name=name, objective="baseline", data="snli", model="tiny")
            output = [Prediction(i % len(LABELS)) for i in range(len(pairs))]
            writer.store_evaluation(run.id, "dev", pairs, output, Metrics(len(pairs), 0.4))
    return StoreReader(tmp_path / "runs.db")


def _filtered(reader: StoreReader, text: str) -> list[int]:
    run = reader.runs.get("many").id
    return reader.predictions.arrays(
        reader.runs.evaluation(run), parse_filter(text)
    ).example_ids.tolist()


def test_filter_and_slice_mean_the_same_pairs(reader: StoreReader) -> None:
    paired = pair_runs(reader, ["many"])
    (arrays,) = paired.arrays
    right = fit_hypothesis_only(reader, paired).correct
    assert 0 < np.count_nonzero(~right) < 30
    assert _filtered(reader, "hypothesis-only:right") == arrays.example_ids[right].tolist()
    assert _filtered(reader, "hypothesis-only:wrong") == arrays.example_ids[~right].tolist()


def test_other_filters_do_not_change_what_is_hard(reader: StoreReader) -> None:
    """The model is fitted on the whole split, not on what the rest of the filter leaves."""
    hard = set(_filtered(reader, "hypothesis-only:wrong"))
    wrong = set(_filtered(reader, "wrong"))
    assert set(_filtered(reader, "hypothesis-only:wrong wrong")) == hard & wrong != set()


def test_one_fit_serves_every_question(reader: StoreReader) -> None:
    hypothesis_only_field._solved.cache_clear()
    run, hard = reader.runs.get("many").id, parse_filter("alone:wrong")
    assert reader.predictions.count(reader.runs.evaluation(run), hard) == len(
        reader.predictions.ids(reader.runs.evaluation(run), hard)
    )
    assert hypothesis_only_field._solved.cache_info().misses == 1


def test_too_few_pairs_are_told(reader: StoreReader) -> None:
    with pytest.raises(NliError, match="too few pairs"):
        reader.predictions.count(
            reader.runs.evaluation("few"), parse_filter("hypothesis-only:wrong")
        )
