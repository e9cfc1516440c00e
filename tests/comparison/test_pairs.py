"""Which pairs are compared: by the largest overlap, whatever their splits are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nliexplorer.comparison.pairs import pair_evaluations, pair_runs
from nliexplorer.comparison.tables import compare_pair, comparisons, confusions
from nliexplorer.errors import NliError
from nliexplorer.records import NON_ENTAILMENT, EvaluationRef, Metrics, Prediction, is_correct
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.comparison.conftest import evaluate
from tests.databases import add_run, pairs, predictions


def test_the_whole_overlap_is_compared_not_the_first_evaluation_that_shares_a_pair(
    halves: Path,
) -> None:
    lines = pairs(500, seed=6)[200:]
    right = [
        np.array([is_correct(p.predicted, e.label) for e, p in zip(lines, answers, strict=True)])
        for answers in (predictions(lines, 21, 1.0), predictions(lines, 22, 2.0))
    ]
    with StoreReader(halves) as reader:
        paired = pair_runs(reader, ["A", "B"], "mine")
        swapped = pair_runs(reader, ["B", "A"], "f3")
    comparison = compare_pair(paired)
    assert (comparison.n, comparison.left_out) == (300, "")
    assert comparison.fixed == int((~right[0] & right[1]).sum())
    assert comparison.broken == int((right[0] & ~right[1]).sum())
    back = compare_pair(swapped)
    assert (back.n, back.fixed, back.broken) == (300, comparison.broken, comparison.fixed)
    assert paired.notes == ("B has these pairs under the name f3",)
    assert paired.counterpart_documents() == [
        {
            "run": paired.runs[1].id,
            "split": "f3",
            "shared": 300,
            "only_a": 0,
            "only_b": 0,
            "ties": [],
            "others": [{"split": "f1", "shared": 100}],
        }
    ]


def test_rows_are_the_same_pairs_whatever_their_order(renamed: Path) -> None:
    with StoreReader(renamed) as reader:
        paired = pair_runs(reader, ["A", "B"], "extra")
    a, b = paired.arrays
    assert a.example_ids.tolist() == b.example_ids.tolist()
    assert a.gold.tolist() == b.gold.tolist()
    assert (paired.n, paired.total, paired.incomplete) == (60, 60, 9)
    assert [side.left_out for side in paired.sides] == [0, 9]
    assert paired.left_out.endswith("not answered by the other run: 0 of A, 9 of B")


def test_a_split_of_the_same_name_that_shares_nothing_is_passed_over(tmp_path: Path) -> None:
    lines = pairs(80, seed=3)
    with StoreWriter(tmp_path / "runs.db") as writer:
        add_run(writer, "imported", lines[:50], 1, split="dev")
        b, _ = add_run(writer, "trained", lines[50:], 2, split="dev")
        evaluate(writer, b.id, "snli:dev", lines[:50], 3)
    with StoreReader(tmp_path / "runs.db") as reader:
        paired = pair_runs(reader, ["imported", "trained"])
        assert (paired.n, paired.sides[1].split) == (50, "snli:dev")
        with pytest.raises(NliError, match="no pair in common"):
            pair_evaluations(reader, [EvaluationRef(run.id, "dev") for run in paired.runs])


def test_ties_are_said(tmp_path: Path) -> None:
    lines = pairs(40, seed=3)
    with StoreWriter(tmp_path / "runs.db") as writer:
        add_run(writer, "A", lines, 1, split="test")
        b, _ = add_run(writer, "B", lines, 2, split="first")
        evaluate(writer, b.id, "second", lines, 3)
    with StoreReader(tmp_path / "runs.db") as reader:
        paired = pair_runs(reader, ["A", "B"])
    assert "B has as many of these pairs under second; first is compared" in paired.notes
    assert paired.counterpart_documents()[0]["ties"] == ["second"]
    assert compare_pair(paired).notes[:2] == paired.notes


def test_a_filter_and_ids_select_among_the_shared_pairs(renamed: Path) -> None:
    with StoreReader(renamed) as reader:
        whole = pair_runs(reader, ["A", "B"], "extra")
        wrong = pair_runs(reader, ["A", "B"], "extra", Filter.of({"is": "wrong"}))
        ids = whole.ids[:20]
        some = pair_runs(reader, ["A", "B"], "extra", Filter.of({"is": "wrong"}), ids)
        with pytest.raises(NliError, match="none of these pairs is selected"):
            pair_runs(reader, ["A", "B"], "extra", ids=ids[:0])
    errors = ~whole.outputs[0].correct
    assert wrong.ids.tolist() == whole.ids[errors].tolist()
    assert wrong.count == f"{errors.sum()} of 60 pairs"
    assert some.ids.tolist() == whole.ids[:20][errors[:20]].tolist()
    assert some.arrays[1].example_ids.tolist() == some.arrays[0].example_ids.tolist()
    assert whole.count == "60 pairs"
    assert whole.take(errors).ids.tolist() == wrong.ids.tolist()


def test_more_than_two_runs_share_the_pairs_that_all_of_them_predicted(renamed: Path) -> None:
    with StoreWriter(renamed) as writer:
        c, _ = add_run(writer, "C", pairs(10, seed=8), 3)
        evaluate(writer, c.id, "some", pairs(69, seed=4)[:45], 13)
    with StoreReader(renamed) as reader:
        paired = pair_runs(reader, ["A", "B", "C"], "extra")
        two = pair_runs(reader, ["A", "C"], "extra")
    assert (paired.n, paired.incomplete) == (45, 24)
    assert [side.left_out for side in paired.sides] == [15, 24, 0]
    assert "every other run: 15 of A, 24 of B, 0 of C" in paired.left_out
    to_b, to_c = comparisons(paired)
    assert (to_b.b, to_c.b, to_b.n, to_c.n) == ("B", "C", 45, 45)
    assert to_c.metrics == compare_pair(two).metrics


def test_two_way_answers_bring_both_runs_to_two_classes(tmp_path: Path) -> None:
    lines = pairs(60, seed=9)
    chances = np.random.default_rng(0).dirichlet([1.0, 1.0], 60)
    two = [
        Prediction((0, NON_ENTAILMENT)[int(p.argmax())], None, tuple(map(float, p)))
        for p in chances
    ]
    right = [is_correct(p.predicted, min(e.label, 1) * 3) for p, e in zip(two, lines, strict=True)]
    with StoreWriter(tmp_path / "runs.db") as writer:
        add_run(writer, "three", lines, 1)
        run = writer.create_run(name="two", objective="imported", data="f", model="")
        writer.store_evaluation(run.id, "dev", lines, two, Metrics(60, float(np.mean(right))))
    with StoreReader(tmp_path / "runs.db") as reader:
        paired = pair_runs(reader, ["three", "two"])
    assert paired.notes == (
        "two answers in two classes: all runs are compared on entailment and the rest",
    )
    comparison = compare_pair(paired)
    assert comparison.metric("accuracy").b == pytest.approx(np.mean(right))
    three_right = (paired.arrays[0].gold == 0) == (paired.arrays[0].predicted == 0)
    assert comparison.metric("accuracy").a == pytest.approx(three_right.mean())
    assert comparison.metric("nll").ci_low is not None
    assert comparison.metric("roc_auc_macro").ci_low is not None
    assert {table.counts.shape for table in confusions(paired)} == {(2, 2)}
