"""Annotators' labels and label distributions, however data sets write them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nliexplorer.annotators import (
    TIE,
    entropy,
    human_distribution,
    label_distribution,
    majority,
    share_of,
)
from nliexplorer.data.annotations import read_annotations
from nliexplorer.data.drops import TIED, UNLABELLED
from nliexplorer.data.labels import LabelMap
from nliexplorer.data.sources import load_split
from nliexplorer.errors import NliError
from nliexplorer.records import NON_ENTAILMENT, UNKNOWN
from nliexplorer.workflow.predictions_file import NO_GOLD, ReadOptions, read_predictions
from tests.cases import case

WORDS = LabelMap({})
FORMS: dict[str, dict[str, Any]] = {
    "a list": {"annotator_labels": ["neutral", "entailment", "neutral", ""]},
    "a list as text": {"annotator_labels": "['n', 'e', 'n']"},
    "a column each": {"label1": "neutral", "label2": "entailment", "label3": "n", "label4": ""},
    "ten columns": {f"label{i + 1}": "neene"[i % 5] for i in range(3)} | {"label10": ""},
    "a dict of counts": {"label_counter": {"n": 2, "e": 1}, "old_labels": ["contradiction"]},
    "counts in order": {"label_count": [1, 2, 0], "label_dist": [0.33, 0.67, 0]},
    "counts as text": {"label_count": "[1 2 0]"},
}


@pytest.mark.parametrize("form", [name for name in FORMS if name != "ten columns"])
def test_labels_are_read(form: str) -> None:
    votes, _ = read_annotations(FORMS[form], WORDS)
    assert sorted(votes) == [0, 1, 1]


@pytest.mark.parametrize(
    "cells",
    [
        {"label_dist": [0.1, 0.2, 0.7]},
        {"label_dist": "[0.1, 0.2, 0.7]"},
        {"soft_label": {"contradiction": 0.7, "e": 0.1, "neutral": 0.2}},
    ],
)
def test_shares_alone_are_kept_in_the_order_of_the_labels(cells: dict[str, Any]) -> None:
    votes, rest = read_annotations(cells, WORDS)
    assert votes == []
    assert rest["label_dist"] == pytest.approx([0.1, 0.2, 0.7])
    assert human_distribution((), rest) == pytest.approx((0.1, 0.2, 0.7))


def test_numbers_in_another_order_move_the_shares_with_them() -> None:
    reversed_ = LabelMap({0: 2, 1: 1, 2: 0})
    _, rest = read_annotations({"label_dist": [0.7, 0.2, 0.1]}, reversed_)
    assert rest["label_dist"] == pytest.approx([0.1, 0.2, 0.7])
    votes, _ = read_annotations({"label_count": [3, 0, 1]}, reversed_)
    assert votes == [0, 2, 2, 2]


@pytest.mark.parametrize(
    "cells",
    [
        {"label_dist": [0.5, 0.2, 0.1]},
        {"label_dist": [1, 2, 3]},
        {"label_count": [1, -2, 3]},
        {"label_count": [10**9, 0, 0]},
        {"label_counter": {"perhaps": 3}},
        {"annotator_labels": {"who": "a"}},
        {"soft_label": "often"},
    ],
)
def test_what_is_no_annotation_is_kept_as_it_is(cells: dict[str, Any]) -> None:
    assert read_annotations(cells, WORDS) == ([], cells)


def test_a_hundred_annotators_of_a_real_layout(tmp_path: Path) -> None:
    row = load_split(str(case("06_fields", "chaos_dev.jsonl")), "dev")[0]
    assert label_distribution(row.annotator_labels) == (0.7, 0.2, 0.1)
    assert len(row.annotator_labels) == 100
    assert row.extra["source"] == "mnli"
    assert row.extra["old_labels"] == ["neutral"] * 5


def test_a_data_file_with_shares_alone(tmp_path: Path) -> None:
    row = {"premise": "p p", "hypothesis": "h", "label": "neutral", "label_dist": [0.2, 0.8, 0.0]}
    (tmp_path / "dev.jsonl").write_text(json.dumps(row) + "\n")
    (example,) = load_split(str(tmp_path / "dev.jsonl"), "dev").examples()
    assert human_distribution(example.annotator_labels, example.extra) == (0.2, 0.8, 0.0)


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=2, max_size=200))
def test_properties_of_a_distribution(votes: list[int]) -> None:
    shares = label_distribution(votes)
    assert shares is not None
    assert math.isclose(sum(shares), 1.0)
    assert -1e-12 <= entropy(shares) <= math.log(3) + 1e-12
    assert (entropy(shares) == 0) == (len(set(votes)) == 1)
    best = majority(shares)
    counts = [votes.count(label) for label in range(3)]
    assert (best == TIE) == (counts.count(max(counts)) > 1)
    assert best == TIE or counts[best] == max(counts)
    rest = share_of(shares, NON_ENTAILMENT)
    assert rest is not None
    assert math.isclose(rest, 1 - shares[0], abs_tol=1e-12)


VARIERR = (  # its layout: how many gave each label, null for none, and no gold label
    {"entailment": 3, "neutral": 1, "contradiction": None},
    {"entailment": 2, "neutral": 2, "contradiction": None},
    {"entailment": None, "neutral": 1, "contradiction": 3},
    {"entailment": None, "neutral": None, "contradiction": None},
)


def without_gold(path: Path, column: str, cells: Iterable[Any], **more: Any) -> str:
    rows = [
        {"context": f"Man {i} sleeps.", "statement": "A man rests.", column: cell, **more}
        for i, cell in enumerate(cells)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("label_count_round_1", VARIERR),
        ("annotator_labels", (["e", "e", "n"], ["e", "n"], ["c", "n", "c"], [])),
        ("label_dist", ([0.7, 0.2, 0.1], [0.5, 0.5, 0], [0, 0.4, 0.6], None)),
        ("label1", ("entailment", "", "contradiction", None)),
    ],
)
def test_without_gold_labels_the_majority_is_taken(
    tmp_path: Path, column: str, cells: tuple[Any, ...]
) -> None:
    split = load_split(without_gold(tmp_path / "dev.jsonl", column, cells), "dev")
    assert [example.label for example in split] == [0, 2]
    left_out = {UNLABELLED: 1, TIED: 1} if column != "label1" else {UNLABELLED: 2}
    assert split.dropped == left_out
    assert any("what most annotators said" in note for note in split.notes)


def test_the_guard_holds_for_annotators_numbers_too(tmp_path: Path) -> None:
    cells = ([1, 1, 0], [0, 0, 1])
    path = without_gold(tmp_path / "dev.jsonl", "annotator_labels", cells)
    with pytest.raises(NliError, match="nothing says what label 0, 1 means"):
        load_split(path, "dev")
    stated = load_split(f"{path}?labels=contradiction,neutral,entailment", "dev")
    assert [example.label for example in stated] == [1, 2]


def test_predictions_without_gold_labels_are_scored_against_the_majority(tmp_path: Path) -> None:
    path = tmp_path / "preds.jsonl"
    without_gold(path, "label_count_round_1", VARIERR, predicted_label="entailment")
    read = read_predictions(path)
    assert read.gold == [0, 2]
    assert read.dropped == {TIED: 1, NO_GOLD: 1}
    assert sum("what most annotators said" in note for note in read.notes) == 1
    assert read_predictions(path, ReadOptions(unlabelled=True)).gold == [0, UNKNOWN, 2, UNKNOWN]


def test_counts_of_a_second_round_count_and_the_first_is_kept() -> None:
    first, second = VARIERR[0], {"entailment": 2, "neutral": None, "contradiction": None}
    cells = {"label_count_round_1": first, "label_count_round_2": second}
    votes, rest = read_annotations(cells, WORDS)
    assert votes == [0, 0]
    assert rest == {"label_count_round_1": first}
