"""The planted corpus: stable, true, English, and hard to guess from one sentence alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from nliexplorer.data.planted import SPLITS, as_row, generate, lexicon_words, write
from nliexplorer.data.planted.generator import Pair, generate_pairs
from nliexplorer.data.planted.natural_logic import infer_label
from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, Example

GOLDEN = {
    "train": "91ef68ab96bf5e5b",
    "dev": "8340208e68a55686",
    "test": "7037473394433947",
    "flipped": "07054959189741bb",
    "clean": "c69e3e1d8864c221",
}


@cache
def pairs(split: str, seed: int = 0) -> list[Pair]:
    return generate_pairs(split, seed=seed)


def examples(split: str) -> list[Example]:
    return [pair.example for pair in pairs(split)]


def digest(rows: list[Example]) -> str:
    text = "".join(json.dumps(as_row(row)) + "\n" for row in rows)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@pytest.mark.parametrize("split", SPLITS)
def test_every_byte_is_the_same_everywhere(split: str) -> None:
    assert digest(examples(split)) == GOLDEN[split]


def test_a_shorter_request_is_a_beginning_of_a_longer_one() -> None:
    assert generate("dev", n=100) == examples("dev")[:100]


def test_seed_and_rate_change_the_corpus() -> None:
    first = generate("dev", n=30)
    assert generate("dev", n=30, seed=1) != first
    none = generate("dev", n=300, rate=0.0)
    every = generate("dev", n=300, rate=1.0)
    assert {row.extra["artefact_label"] for row in every if row.label == 1} == {"neutral"}
    assert sum("artefact_label" in row.extra for row in none) < 150
    assert all("artefact_label" in row.extra for row in every)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_label_is_true(split: str, seed: int) -> None:
    for pair in pairs(split, seed):
        assert infer_label(pair.premise, pair.hypothesis) == pair.example.label, pair.example


@pytest.mark.parametrize("split", SPLITS)
def test_labels_are_balanced_and_premises_tell_nothing(split: str) -> None:
    rows = examples(split)
    assert Counter(row.label for row in rows) == dict.fromkeys(range(3), len(rows) // 3)
    by_premise: dict[str, list[int]] = {}
    for row in rows:
        by_premise.setdefault(row.premise, []).append(row.label)
    assert all(sorted(labels) == [0, 1, 2] for labels in by_premise.values())


def test_no_premise_is_in_two_splits() -> None:
    premises = [{row.premise for row in examples(split)} for split in SPLITS]
    assert len(set().union(*premises)) == sum(map(len, premises))
    other_seed = {row.premise for row in generate("dev", n=600, seed=7)}
    assert not other_seed & premises[0]


def test_premises_are_varied_sentences_of_eight_to_thirty_words() -> None:
    rows = examples("train")
    lengths = [len(row.premise.split()) for row in rows]
    assert min(lengths) >= 8
    assert max(lengths) <= 30
    assert 16 <= sum(lengths) / len(lengths) <= 22
    words = {w.strip(".,").lower() for row in rows for w in row.premise.split()}
    assert len(words) > 400


@pytest.mark.parametrize("split", SPLITS)
def test_the_surface_is_english(split: str) -> None:
    for row in examples(split):
        for text in (row.premise, row.hypothesis):
            assert re.fullmatch(r"[A-Z][a-z]*(,? [a-z]+)*\.", text), text
            assert not re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]", text), text
            assert not re.search(r"\b(\w+) \1\b", text), text
            assert not re.search(r"\b(two|three|four|five|several) [\w ]*? is\b", text) or (
                " and " in text or "while" in text.lower() or "because" in text or "not" in text
                or re.search(r"is (not )?(being )?\w+(ed|ing|led|taught)\b", text)
            ), text  # fmt: skip


def test_subject_and_verb_agree() -> None:
    for row in examples("train"):
        words = re.sub(r"[.,]", "", row.hypothesis.lower()).split()
        if words[0] == "there":
            many = any(w in words[2:5] for w in ("two", "three", "four", "five", "several"))
            assert not (words[1] == "are" and not many), row.hypothesis
            assert not (words[1] == "is" and words[2] not in ("a", "an")), row.hypothesis


@pytest.mark.parametrize("split", SPLITS)
def test_rationales_and_artefacts_point_at_their_words(split: str) -> None:
    sure = {
        "person": {"person", "people"}, "outdoors": {"outdoors"}, "at least": {"at"},
        "sleeping": {"sleeping"}, "nobody": {"nobody"}, "no": {"no"}, "because": {"because"},
        "tall": {"tall"}, "first": {"first"}, "friends": {"friends"},
    }  # fmt: skip
    for row in examples(split):
        premise, messages = row.premise.split(), re.sub(r"[.,]", "", row.hypothesis.lower()).split()
        assert row.premise_rationale
        assert row.hypothesis_rationale
        assert max(row.premise_rationale) < len(premise)
        assert max(row.hypothesis_rationale) < len(messages)
        if row.extra["operation"] in ("negation", "opposite negated"):
            marked = {messages[i] for i in row.hypothesis_rationale}
            assert marked - {"not", "without"} or row.extra["operation"] == "negation"
        kind = row.extra.get("artefact_kind")
        marked = {messages[i] for i in row.artefact}
        if kind in (None, "shorter"):
            assert not marked
        else:
            assert marked & sure[kind], row
        for words in sure.values():  # artefact words stand nowhere but where they were planted
            for word in words - {"at", "no", "first"}:
                assert (word in messages) <= (word in marked), row


def test_artefacts_say_what_each_split_promises() -> None:
    def agreement(split: str) -> float:
        planted = [r for r in examples(split) if "artefact_label" in r.extra]
        return sum(LABELS[r.label] == r.extra["artefact_label"] for r in planted) / len(planted)

    assert agreement("train") > 0.75
    assert abs(agreement("dev") - agreement("train")) < 0.05
    assert agreement("flipped") == 0
    assert all("artefact_label" not in row.extra for row in examples("clean"))
    assert any("artefact_label" in row.extra for row in examples("test"))


def test_the_hypothesis_alone_is_worth_what_the_artefacts_make_of_it() -> None:
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=300))
    model.fit([r.hypothesis for r in examples("train")], [r.label for r in examples("train")])

    def accuracy(split: str) -> float:
        rows = examples(split)
        return float(model.score([r.hypothesis for r in rows], [r.label for r in rows]))

    assert 0.55 <= accuracy("dev") <= 0.75
    assert accuracy("flipped") < 0.40
    assert accuracy("clean") < accuracy("dev") - 0.1


def test_every_operation_is_met_often_enough_to_be_learned() -> None:
    met = Counter(row.extra["operation"] for row in examples("train"))
    assert len(met) >= 16
    assert min(met.values()) >= 45, met


def test_the_lexicon_holds_every_word() -> None:
    known = set(lexicon_words())
    assert list(lexicon_words()) == sorted(known)
    for split in SPLITS:
        for row in examples(split):
            for word in re.findall(r"[a-z]+", f"{row.premise} {row.hypothesis}".lower()):
                assert word in known


def test_files_hold_what_is_generated(tmp_path: Path) -> None:
    paths = write(tmp_path / "corpus", sizes=dict.fromkeys(SPLITS, 30))
    assert sorted(path.name for path in paths.values()) == sorted(f"{s}.jsonl" for s in SPLITS)
    rows = [json.loads(line) for line in paths["dev"].read_text().splitlines()]
    assert rows == [as_row(row) for row in generate("dev", n=30)]
    assert rows[0]["label"] in LABELS


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: generate("trian"), "known: clean, dev, flipped, test, train"),
        (lambda: generate("dev", rate=1.5), "from 0 to 1"),
        (lambda: generate("dev", n=-3), "above 0"),
        (lambda: write(Path(__file__)), "folder"),
    ],
)
def test_errors_say_what_to_do(call: object, words: str) -> None:
    with pytest.raises(NliError) as caught:
        call()  # type: ignore[operator]
    assert words in caught.value.hint
