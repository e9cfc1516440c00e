"""Columns that came with the pairs: kept, merged without loss, filtered and sorted by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.errors import NliError
from nliexplorer.records import EvaluationRef, Example, Prediction
from nliexplorer.store.filters import parse_filter
from nliexplorer.store.functions import _merged_columns
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter

COLUMNS = [
    {"genre": "fiction", "year": 1999, "score": 0.5},
    {"genre": "travel", "year": 2004, "annotators": ["a7", "b2"]},
    {"Genre Name": "x", "year": 7, "checked": True},
]


def store(path: Path, name: str, columns: list[dict[str, object]]) -> EvaluationRef:
    examples = [Example(f"p {i}", "h", 0, extra=each) for i, each in enumerate(columns)]
    with StoreWriter(path) as writer:
        run = writer.create_run(name=name, objective="imported", data="d", model="m").id
        metrics = compute_metrics([0] * len(columns), predicted=[0] * len(columns))
        predictions = [Prediction(0)] * len(columns)
        writer.store_evaluation(run, "dev", examples, predictions, metrics)
    return EvaluationRef(run, "dev")


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("meta.genre:fiction", [0]),
        ("meta.genre:fiction,travel", [0, 1]),
        ("-meta.genre:fiction", [1, 2]),
        ("meta.year:>2000", [1]),
        ("meta.year:1-1999", [0, 2]),
        ("meta.score:0.5", [0]),
        ("meta.annotators:b2", [1]),
        ("meta.checked:true", [2]),
        ('meta.year:>1000 sort:meta.year', [0, 1]),
        ("sort:-meta.year", [1, 0, 2]),
        ("sort:meta.year", [2, 0, 1]),
        ("sort:meta.genre", [0, 1, 2]),
    ],
)  # fmt: skip
def test_filters_and_sorts(tmp_path: Path, text: str, positions: list[int]) -> None:
    here = store(tmp_path / "runs.db", "a", COLUMNS)
    with StoreReader(tmp_path / "runs.db") as reader:
        rows = reader.predictions.rows(here, parse_filter(text))
        assert [row.position for row in rows] == positions
        assert [row.extra for row in rows] == [COLUMNS[i] for i in positions]


def test_an_unknown_column_is_told_with_those_there_are(tmp_path: Path) -> None:
    here = store(tmp_path / "runs.db", "a", COLUMNS)
    with (
        StoreReader(tmp_path / "runs.db") as reader,
        pytest.raises(NliError, match="has a column 'x'") as messages,
    ):
        reader.predictions.rows(here, parse_filter("meta.x:1"))
    assert "genre" in messages.value.hint


def test_two_sources_of_a_pair_are_merged_without_loss(tmp_path: Path) -> None:
    here = store(tmp_path / "runs.db", "a", [{"genre": "fiction", "n": 1}, {}])
    for name in ("b", "c"):  # the same file twice changes nothing more
        store(tmp_path / "runs.db", name, [{"genre": "Fiction", "uid": 7}, {"genre": "travel"}])
    merged = [{"genre": "fiction", "n": 1, "genre.2": "Fiction", "uid": 7}, {"genre": "travel"}]
    with StoreReader(tmp_path / "runs.db") as reader:
        assert [row.extra for row in reader.predictions.rows(here)] == merged
    store(tmp_path / "other.db", "d", [{"year": 1999}, {"genre": "travel"}])
    with StoreWriter(tmp_path / "runs.db") as writer:
        writer.merge_from(tmp_path / "other.db")
    with StoreReader(tmp_path / "runs.db") as reader:
        rows = reader.predictions.rows(here)
        assert [row.extra for row in rows] == [merged[0] | {"year": 1999}, merged[1]]


VALUES = st.none() | st.integers(0, 3) | st.text(max_size=2) | st.lists(st.integers(0, 2))
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "a.2"]), VALUES, min_size=1)


@given(OBJECTS, OBJECTS)
def test_merging_loses_no_value_and_is_stable(
    old: dict[str, object], new: dict[str, object]
) -> None:
    once = _merged_columns(json.dumps(old), json.dumps(new))
    assert once is not None
    merged = json.loads(once)
    assert old.items() <= merged.items() if all(map(_hashable, merged.values())) else True
    for name, value in {**new}.items():
        assert any(v == value for k, v in merged.items() if k == name or k.startswith(f"{name}."))
    assert json.loads(_merged_columns(once, json.dumps(new)) or "") == merged


def _hashable(value: object) -> bool:
    return not isinstance(value, list)
