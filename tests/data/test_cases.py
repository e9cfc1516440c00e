"""Foreign data files that once failed: each with its true counts of labels."""

from __future__ import annotations

from collections import Counter

import pytest

from nliexplorer.data.sources import available_splits, default_split, load_split
from nliexplorer.errors import NliError
from tests.cases import case

#: Of the forty invented pairs: entailment, neutral, contradiction.
FORTY = {0: 15, 1: 14, 2: 11}


@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("03_sbert/preds.jsonl", None),
        ("06_fields/SICK_test.txt", ["test"]),
        ("06_fields/chaos_dev.jsonl", ["dev"]),
        ("06_fields/xnli_mt.tsv", None),
        ("08_parquet/map_dev.parquet", ["dev"]),
        ("09_hub", ["train", "dev"]),
        ("10_folders", ["train", "dev", "test"]),
        ("12_pandas/dev.tsv", ["dev"]),
        ("14_names", ["train", "dev", "test"]),
        ("15_zip/dev.jsonl.zip", ["dev"]),
        ("16_good/preds.json", None),
        ("16_good/preds.jsonl.gz", None),
        ("16_good/preds_one_line.json", None),
        ("19_names/Upper.csv", None),
    ],
)
def test_a_foreign_file_is_read_rightly(name: str, splits: list[str] | None) -> None:
    spec = str(case(name))
    if splits:
        assert available_splits(spec) == splits
    loaded = load_split(spec, default_split(spec))
    assert Counter(loaded.rows["label"]) == FORTY
    assert not loaded.dropped


def test_no_tail_of_a_broken_record_is_a_pair() -> None:
    loaded = load_split(str(case("12_pandas/dev.tsv")), "dev")
    assert all(row.premise[0].isupper() for row in loaded)
    assert sum("\n" in row.premise for row in loaded) == 8


def test_training_folders_keep_their_sizes() -> None:
    for name in ("09_hub", "10_folders", "14_names"):
        assert len(load_split(str(case(name)), "train")) == 140


def test_cb_is_read_by_convention_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """SuperGLUE's CB has 1 contradiction: nothing in these files says it."""
    for name in ("from_datasets_dev.csv", "from_datasets_dev.jsonl", "validation.csv"):
        spec = str(case("01_cb", name))
        loaded = load_split(spec, "dev")
        assert loaded.label_basis == "convention"
        assert f"{spec}?labels=entailment,contradiction,neutral" in capsys.readouterr().err
        stated = load_split(f"{spec}?labels=entailment,contradiction,neutral", "dev")
        assert Counter(stated.rows["label"]) == FORTY


def test_assin_none_is_asked_about() -> None:
    spec = str(case("05_none/dev.csv"))
    with pytest.raises(NliError, match="'none' occurs in 25 of 40 rows"):
        load_split(spec, "dev")
    loaded = load_split(f"{spec}?labels=NONE:neutral", "dev")
    assert Counter(loaded.rows["label"]) == {0: 15, 1: 25}


def test_a_gap_among_floats_costs_one_row() -> None:
    loaded = load_split(str(case("17_floats/preds.csv")), "preds")
    assert Counter(loaded.rows["label"]) == {0: 15, 1: 13, 2: 11}
    assert loaded.dropped_lines == {"no usable label": (2,)}


def test_two_numbers_are_never_guessed() -> None:
    spec = str(case("02_hans/eval_predictions.jsonl"))
    with pytest.raises(NliError, match="nothing says what label 0, 1 means") as refused:
        load_split(spec, default_split(spec))
    assert f"{spec}?labels=entailment,non-entailment" in refused.value.hint
    stated = f"{spec}?labels=entailment,non-entailment"
    assert Counter(load_split(stated, default_split(spec)).rows["label"]) == {0: 15, 3: 25}


def test_chinese_pairs() -> None:
    folder = str(case("27_zh"))
    assert Counter(load_split(folder, "train").rows["label"]) == {0: 12, 1: 12, 2: 12}
    assert load_split(folder, "dev")[0].hypothesis == "有人在阅读。"
