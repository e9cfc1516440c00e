"""One name stands for one set of pairs; what is replaced, and what is kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from nliexplorer.records import EvaluationRef, Example
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.databases import metrics, pairs, predictions

A, B, C = pairs(30), pairs(20, seed=1), pairs(20, seed=2)


@pytest.fixture
def run(writer: StoreWriter) -> str:
    return writer.create_run(name="r", objective="baseline", data="d", model="m").id


def _evaluate(
    writer: StoreWriter,
    run: str,
    split: str,
    examples: Sequence[Example],
    *,
    replace: bool = False,
) -> tuple[str, str]:
    """(name, note) of an evaluation, stored under that name."""
    name, note = writer.split_name(run, split, examples, replace=replace)
    model_predictions = predictions(list(examples), 1)
    writer.store_evaluation(
        run, name, examples, model_predictions, metrics(list(examples), model_predictions)
    )
    return name, note


def _sizes(path: Path, ref: str = "r") -> dict[str, int]:
    with StoreReader(path) as reader:
        result = reader.runs.get(ref)
        for split, figures in result.metrics.items():
            assert reader.predictions.count(EvaluationRef(result.id, split)) == figures.n
        return {split: figures.n for split, figures in result.metrics.items()}


def test_the_same_pairs_again_replace_in_any_order(writer: StoreWriter, run: str) -> None:
    for examples in (A, A[::-1], A):
        assert _evaluate(writer, run, "dev", examples) == ("dev", "")
    assert _sizes(writer.path) == {"dev": 30}


def test_another_set_of_the_name_is_kept_apart(writer: StoreWriter, run: str) -> None:
    name = "test.jsonl:test"
    assert _evaluate(writer, run, name, A) == (name, "")
    other, note = _evaluate(writer, run, name, B)
    assert other == f"{name}@2"
    assert note == f"{name} is another set of 30 pairs: these are kept apart as {name}@2"
    assert _evaluate(writer, run, name, C)[0] == f"{name}@3"
    assert _evaluate(writer, run, name, B)[0] == f"{name}@2"  # again: in its own place
    assert _evaluate(writer, run, name, A) == (name, "")
    assert _sizes(writer.path) == {name: 30, f"{name}@2": 20, f"{name}@3": 20}


def test_a_part_never_replaces_the_whole_unless_asked(writer: StoreWriter, run: str) -> None:
    _evaluate(writer, run, "dev", A)
    name, note = _evaluate(writer, run, "dev", A[:10])
    assert name == "dev@2"
    assert "dev has 30 pairs, these 10 among them" in note
    assert "--replace" in note
    assert _sizes(writer.path) == {"dev": 30, "dev@2": 10}
    name, note = _evaluate(writer, run, "dev", A[:10], replace=True)
    assert (name, note) == ("dev", "dev: 10 pairs replace the 30 evaluated before")
    assert _sizes(writer.path) == {"dev": 10, "dev@2": 10}


def test_the_whole_replaces_a_part_of_it(writer: StoreWriter, run: str) -> None:
    _evaluate(writer, run, "dev", A[:10])
    assert _evaluate(writer, run, "dev", A) == (
        "dev",
        "dev: 30 pairs replace the 10 evaluated before",
    )
    assert _sizes(writer.path) == {"dev": 30}


def test_repeats_and_labels_make_another_set(writer: StoreWriter, run: str) -> None:
    _evaluate(writer, run, "dev", A[:2])
    flipped = [Example(e.premise, e.hypothesis, (e.gold + 1) % 3) for e in A[:2]]
    assert writer.split_name(run, "dev", flipped).name == "dev@2"
    assert writer.split_name(run, "dev", [*A[:2], A[0]]).note.startswith("dev: 3 pairs replace")


def test_two_runs_do_not_hold_different_files_under_one_name(writer: StoreWriter, run: str) -> None:
    second = writer.create_run(name="s", objective="baseline", data="d", model="m").id
    _evaluate(writer, run, "test.jsonl:test", A)
    name, note = _evaluate(writer, second, "test.jsonl:test", B)
    assert name == "test.jsonl:test@2"
    assert "another set of 30 pairs in run r" in note
    assert _evaluate(writer, run, "test.jsonl:test", B)[0] == "test.jsonl:test@2"
    assert _evaluate(writer, second, "test.jsonl:test", A[:10])[0] == "test.jsonl:test"
    assert _evaluate(writer, second, "dev", A) == ("dev", "")
    assert _evaluate(writer, run, "dev", B) == ("dev", "")  # the runs' own data differ


def test_a_merge_keeps_other_sets_of_a_name_apart(
    writer: StoreWriter, run: str, tmp_path: Path
) -> None:
    _evaluate(writer, run, "dev", A[:10])
    with StoreWriter(tmp_path / "there.db") as there:
        there.merge_from(writer.path)
        _evaluate(there, run, "dev", A)
        _evaluate(there, run, "dev", B)
    for added in (2, 0):  # again: nothing new
        report = writer.merge_from(tmp_path / "there.db")
        assert report.evaluations == added
        assert _sizes(writer.path) == {"dev": 10, "dev@2": 30, "dev@3": 20}
    with StoreWriter(tmp_path / "third.db") as third:
        report = third.merge_from(writer.path)
        assert not report.splits_renamed
        assert "kept apart" not in " ".join(report.lines())
    assert _sizes(tmp_path / "third.db") == _sizes(writer.path)
