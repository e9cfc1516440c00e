"""Where another run predicted the same pairs: the evaluation that shares the most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nliexplorer.errors import NliError
from nliexplorer.records import EvaluationRef, Example
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import Counterpart, StoreReader
from nliexplorer.store.reading import counterparts
from nliexplorer.store.writer import StoreWriter
from tests.databases import add_run, metrics, pairs, predictions


def _evaluate(writer: StoreWriter, run_id: str, split: str, examples: list[Example]) -> None:
    answers = predictions(examples, seed=len(examples))
    writer.store_evaluation(run_id, split, examples, answers, metrics(examples, answers))


@pytest.fixture
def slices(tmp_path: Path) -> Path:
    """A on lines 2101-2400; B on f1 (lines 1 and 2001-2200) and on f3 (2101-2400)."""
    lines = pairs(2_400)
    path = tmp_path / "runs.db"
    with StoreWriter(path) as writer:
        add_run(writer, "A", lines[2_100:2_400], 1)
        b, _ = add_run(writer, "B", [lines[0], *lines[2_000:2_200]], 2, split="f1")
        _evaluate(writer, b.id, "f3", lines[2_100:2_400])
    return path


def test_the_largest_overlap_is_the_counterpart(slices: Path) -> None:
    with StoreReader(slices) as reader:
        here, b = reader.runs.evaluation("A"), reader.runs.get("B").id
        counterpart = reader.runs.counterpart(here, "B")
        f1 = Counterpart(EvaluationRef(b, "f1"), 100, 200, 101)
        assert counterpart == Counterpart(EvaluationRef(b, "f3"), 300, 0, 0, (f1,))
        assert counterpart.ties == ()
        assert reader.runs.counterpart(here, "B") == counterpart  # from what was counted before


def test_pairing_and_filters_use_the_same_counterpart(slices: Path) -> None:
    with StoreReader(slices) as reader:
        here = reader.runs.evaluation("A")
        there = reader.runs.counterpart(here, "B").evaluation
        a, b, only_a, only_b = reader.predictions.paired(here, there)
        assert (len(a), only_a, only_b) == (300, 0, 0)
        fixed = int((~a.correct & b.correct).sum())
        broken = int((a.correct & ~b.correct).sum())
        assert min(fixed, broken) > 0
        assert reader.predictions.count(here, Filter.of({"fixed-by": "B"})) == fixed
        assert reader.predictions.count(here, Filter.of({"broken-by": "B"})) == broken


def test_a_split_of_the_same_name_that_shares_nothing(tmp_path: Path) -> None:
    lines = pairs(60)
    with StoreWriter(tmp_path / "runs.db") as writer:
        add_run(writer, "imported", lines[:30], 1, split="dev")
        trained, _ = add_run(writer, "trained", lines[30:], 2, split="dev")
        _evaluate(writer, trained.id, "snli:dev", lines[:30])
    with StoreReader(tmp_path / "runs.db") as reader:
        here = reader.runs.evaluation("imported")
        assert here.split == "dev"
        counterpart = reader.runs.counterpart(here, "trained")
        assert counterpart == Counterpart(EvaluationRef(trained.id, "snli:dev"), 30, 0, 0)
        reader.predictions.count(here, Filter.of({"fixed-by": "trained"}))


def test_a_split_of_the_same_name_wins_among_equals(tmp_path: Path) -> None:
    lines = pairs(40)
    with StoreWriter(tmp_path / "runs.db") as writer:
        add_run(writer, "A", lines[:20], 1, split="test")
        b, _ = add_run(writer, "B", lines, 2, split="all")
        _evaluate(writer, b.id, "test", lines[:20])
        _evaluate(writer, b.id, "half", lines[:10])
    with StoreReader(tmp_path / "runs.db") as reader:
        counterpart = reader.runs.counterpart(reader.runs.evaluation("A"), "B")
        assert (counterpart.evaluation.split, counterpart.shared) == ("test", 20)
        assert [tie.evaluation.split for tie in counterpart.ties] == ["all"]
        assert [(c.evaluation.split, c.shared) for c in counterpart.others] == [
            ("all", 20),
            ("half", 10),
        ]


def test_an_evaluation_made_again_is_counted_again(tmp_path: Path) -> None:
    lines = pairs(40)
    path = tmp_path / "runs.db"
    with StoreWriter(path) as writer:
        add_run(writer, "A", lines[:20], 1)
        b, _ = add_run(writer, "B", lines, 2)
        with StoreReader(path) as reader:
            here = reader.runs.evaluation("A")
            assert reader.runs.counterpart(here, "B").shared == 20
            _evaluate(writer, b.id, "dev", lines[10:])
            counterpart = reader.runs.counterpart(here, "B")
            assert (counterpart.shared, counterpart.only_here, counterpart.only_there) == (
                10, 10, 20,
            )  # fmt: skip


def test_a_run_that_predicted_none_of_the_pairs(database: Path) -> None:
    with StoreWriter(database) as writer:
        add_run(writer, "elsewhere", pairs(10, seed=77), 3)
    with StoreReader(database) as reader:
        here = reader.runs.evaluation("first")
        for ask in (
            lambda: reader.runs.counterpart(here, "elsewhere"),
            lambda: reader.predictions.count(here, Filter.of({"fixed-by": "elsewhere"})),
        ):
            with pytest.raises(NliError, match=r"no pair in common .*\n.*evaluated on: dev"):
                ask()


def test_equal_sets_are_known_by_their_fingerprint_and_counted_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = pairs(60)
    path = tmp_path / "runs.db"
    with StoreWriter(path) as writer:
        add_run(writer, "A", examples, 1)
        b, _ = add_run(writer, "B", examples[::-1], 2, split="same")
        _evaluate(writer, b.id, "part", examples[:20])
    known: list[tuple[int, int, int]] = []
    of_equal_sets = counterparts._of_equal_sets

    def recorded(*arguments: Any) -> dict[int, tuple[int, int, int]]:
        counts = of_equal_sets(*arguments)
        known.extend(counts.values())
        return counts

    with StoreReader(path) as reader:
        here = reader.runs.evaluation("A")
        for fast in (True, False):
            counterparts._counts.clear()
            shortcut = recorded if fast else lambda *_: {}
            monkeypatch.setattr(counterparts, "_of_equal_sets", shortcut)
            part = Counterpart(EvaluationRef(b.id, "part"), 20, 40, 0)
            same = Counterpart(EvaluationRef(b.id, "same"), 60, 0, 0, (part,))
            assert reader.runs.counterpart(here, "B") == same
    assert known == [(60, 0, 0)]
