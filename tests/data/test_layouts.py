"""Folders as hub clones and exports leave them: which file is which split."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest

from nliexplorer.config import TrainConfig
from nliexplorer.data.labels import parse_labels, prove
from nliexplorer.data.sources import (
    absolute_source,
    available_splits,
    default_split,
    load_split,
    training_split,
)
from nliexplorer.errors import NliError
from nliexplorer.records import NON_ENTAILMENT
from nliexplorer.workflow.splits import split_rows, training_rows, with_absolute_paths
from tests.data.conftest import WORDS, generic

Write = Callable[..., str]


@pytest.fixture
def files(jsonl: Write, tmp_path: Path) -> Callable[..., str]:
    """Files of as many pairs as stated, in a folder; gives its path."""

    def write(sizes: dict[str, int], folder: str = "data") -> str:
        for name, size in sizes.items():
            rows = (generic(WORDS.__getitem__) * 10)[:size]
            jsonl(rows, f"{folder}/{name}")
        return str(tmp_path / folder)

    return write


def sizes(spec: str) -> dict[str, int]:
    return {split: len(load_split(spec, split)) for split in available_splits(spec)}


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        # hashed shards, as older versions of `datasets` push them
        (
            {
                "data/train-00000-of-00002-6ef3991c06080e14.jsonl": 3,
                "data/train-00001-of-00002-bffbb70181755539.jsonl": 4,
                "data/validation-00000-of-00001-bffbb70181755539.jsonl": 2,
            },
            {"train": 7, "dev": 2},
        ),
        # a folder a split
        (
            {"train/0000.jsonl": 5, "validation/0000.jsonl": 2, "test/0000.jsonl": 3},
            {"train": 5, "dev": 2, "test": 3},
        ),
        # the hub viewer's branch: CONFIG/SPLIT/0000.parquet
        (
            {
                "default/train/0000.jsonl": 2,
                "default/train/0001.jsonl": 2,
                "default/dev/0.jsonl": 3,
            },
            {"train": 4, "dev": 3},
        ),
        ({"train_data.jsonl": 4, "dev_data.jsonl": 2}, {"train": 4, "dev": 2}),
        ({"Train-word.jsonl": 4, "Dev-word.jsonl": 2}, {"train": 4, "dev": 2}),
        ({"trainset.jsonl": 4, "eval.jsonl": 2}, {"train": 4, "dev": 2}),
        # two claims: both keep their names
        (
            {"train.jsonl": 4, "dev_matched.jsonl": 2, "dev_mismatched.jsonl": 3},
            {"train": 4, "dev-matched": 2, "dev-mismatched": 3},
        ),
        (
            {"validation.jsonl": 2, "eval.jsonl": 3, "train.jsonl": 4},
            {"train": 4, "dev": 2, "eval": 3},
        ),
    ],
)
def test_layouts(
    files: Callable[..., str], layout: dict[str, int], expected: dict[str, int]
) -> None:
    assert sizes(files(layout)) == expected


@pytest.mark.parametrize(
    ("layout", "split"),
    [
        ({"train.jsonl": 4, "eval.jsonl": 2}, "dev"),
        ({"train.jsonl": 4, "val.jsonl": 2, "test.jsonl": 3}, "dev"),
        ({"train.jsonl": 4, "test_hard.jsonl": 2}, "test"),
        ({"train.jsonl": 4, "dev_a.jsonl": 2, "dev_b.jsonl": 2}, "dev-a"),
        ({"train.jsonl": 4, "held_out.jsonl": 2}, "held-out"),
    ],
)
def test_evaluation_never_takes_the_training_pairs(
    files: Callable[..., str], layout: dict[str, int], split: str
) -> None:
    assert default_split(files(layout)) == split


def test_training_pairs_are_evaluated_only_when_asked(files: Callable[..., str]) -> None:
    folder = files({"train.jsonl": 4})
    with pytest.raises(NliError, match="training pairs only") as refused:
        default_split(folder)
    assert "--split train" in refused.value.hint
    assert default_split(folder, or_train=True) == "train"
    assert default_split(f"{folder}/train.jsonl") == "train"


def test_several_configurations_are_named_whole(files: Callable[..., str]) -> None:
    folder = files({"a/train/0.jsonl": 2, "b/train/0.jsonl": 2})
    with pytest.raises(NliError, match="several data sets") as refused:
        available_splits(folder)
    assert f"{folder}/a, {folder}/b" in refused.value.hint
    assert available_splits(f"{folder}/a") == ["train"]


def test_splits_whose_names_say_nothing_are_stated(files: Callable[..., str]) -> None:
    folder = files({"part_a.jsonl": 6, "part_b.jsonl": 3})
    config = TrainConfig(data=folder, train_split="part-a", eval_splits=("part-b",))
    assert len(training_rows(config)) == 6
    assert len(split_rows(folder, "part-b", 0)) == 3
    with pytest.raises(NliError, match="no split 'train'") as refused:
        training_rows(TrainConfig(data=folder))
    assert "--train-split part-a" in refused.value.hint


def test_augment_takes_one_file_or_a_saved_set(files: Callable[..., str], tmp_path: Path) -> None:
    folder = files({"train.jsonl": 5, "more.jsonl": 3})
    config = TrainConfig(data=folder, augment=f"{folder}/more.jsonl")
    assert len(training_rows(config)) == 8
    part = datasets.Dataset.from_list(generic(WORDS.__getitem__))
    part.save_to_disk(tmp_path / "extra")
    assert training_split(str(tmp_path / "extra")) == "extra"
    assert len(training_rows(TrainConfig(data=folder, augment=str(tmp_path / "extra")))) == 9


def test_paths_are_made_absolute_with_their_options(
    files: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files({"train.jsonl": 5, "dev.jsonl": 3})
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    config = TrainConfig(data="data?labels=e,n,c", augment="data/dev.jsonl", model="model")
    stored = with_absolute_paths(config)
    assert stored.data == f"{folder}?labels=e,n,c"
    assert stored.augment == f"{folder}/dev.jsonl"
    assert stored.model == str(tmp_path / "model")
    monkeypatch.chdir("/")
    assert len(training_rows(stored)) == 8
    assert absolute_source("planted?n=3") == "planted?n=3"
    assert absolute_source("hf:a/b") == "hf:a/b"
    assert absolute_source(f"hans:{folder}") == f"hans:{folder}"
    assert with_absolute_paths(TrainConfig()).model == "tiny"


def test_scitail_has_two_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("A cell is alive.", "Cells live.", "entails"), ("A.", "B.", "neutral")] * 30
    path = tmp_path / "scitail_1.0_dev.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in rows))
    expected = {0: 30, NON_ENTAILMENT: 30}
    assert Counter(load_split(f"scitail:{path}", "dev").rows["label"]) == expected
    named = f"{path}?columns=premise,hypothesis,label"
    assert Counter(load_split(named, "dev").rows["label"]) == {0: 30, 1: 30}
    messages = capsys.readouterr().err.replace("\n", " ")
    assert f"{named}&labels=neutral:non-entailment" in messages
    stated = f"{named}&labels=neutral:non-entailment"
    assert Counter(load_split(stated, "dev").rows["label"]) == expected


def test_a_word_that_may_be_a_class_is_asked_about(jsonl: Write) -> None:
    rows = [{**row, "label": WORDS[row["label"]]} for row in generic()] * 5
    few = jsonl([*rows, {**rows[0], "label": "None"}], "few.jsonl")
    assert load_split(few, "few").dropped == {"no usable label": 1}
    many = jsonl([*rows, *({**rows[0], "label": "None"},) * 9], "many.jsonl")
    with pytest.raises(NliError, match="'none' occurs in 9 of 29 rows") as refused:
        load_split(many, "many")
    assert f"{many}?labels=none:neutral" in refused.value.hint
    assert f"{many}?labels=none:-" in refused.value.hint
    assert len(load_split(f"{many}?labels=none:neutral", "many")) == 29
    assert load_split(f"{many}?labels=none:-", "many").dropped == {"no usable label": 9}


def test_a_numbering_from_minus_one_is_asked_about_too(jsonl: Write) -> None:
    spec = jsonl(generic(lambda label: 1 - label) * 5)
    with pytest.raises(NliError, match="'-1' occurs in 5 of 20 rows") as refused:
        load_split(spec, "dev")
    assert f"{spec}?labels=-1:contradiction,0:neutral,1:entailment" in refused.value.hint
    loaded = load_split(f"{spec}?labels=-1:contradiction,0:neutral,1:entailment", "dev")
    assert Counter(loaded.rows["label"]) == {0: 10, 1: 5, 2: 5}


def test_a_convention_is_told_and_remembered(
    jsonl: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = jsonl(generic())
    loaded = load_split(spec, "dev")
    assert loaded.label_basis == "convention"
    messages = capsys.readouterr().err.replace("\n", " ")
    assert "by convention" in messages
    assert f"{spec}?labels=" in messages
    assert loaded.notes
    stated = load_split(f"{spec}?labels=entailment,neutral,contradiction", "dev")
    assert (stated.label_basis, stated.notes) == ("stated", ())
    assert "convention" not in capsys.readouterr().err


def test_unknown_words_come_with_the_statement_that_would_read_them() -> None:
    with pytest.raises(NliError) as refused:
        prove({"SUPPORTS": 1, "NOT ENOUGH INFO": 2, "REFUTES": 3}, where="f", prefix="f?labels=")
    text = "SUPPORTS:entailment,NOT ENOUGH INFO:neutral,REFUTES:contradiction"
    assert f"'f?labels={text}'" in refused.value.hint
    assert parse_labels(text) == {"supports": 0, "not enough info": 1, "refutes": 2}


def test_notes_come_back_from_the_cache(jsonl: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from nliexplorer.data import build

    monkeypatch.setattr(build, "CACHE_FROM", 1)
    spec = jsonl(generic())
    first = load_split(spec, "dev")
    again = load_split(spec, "dev")
    assert again.rows.cache_files
    assert (again.notes, again.label_basis) == (first.notes, first.label_basis)
    assert json.dumps(again.notes)
