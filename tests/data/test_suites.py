"""Each named set from small files of our own sentences in its distribution's true format."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nliexplorer.data.sources import available_splits, list_sources, load_split
from nliexplorer.data.suites import SUITES, marked_words
from nliexplorer.errors import NliError
from nliexplorer.records import NON_ENTAILMENT, is_correct
from tests.realdata import real_data

HANS_FIELDS = [
    "gold_label",
    *(f"sentence{n}_{parse}" for parse in ("binary_parse", "parse") for n in (1, 2)),
    *("sentence1", "sentence2", "pairID", "heuristic", "subcase", "template"),
]


def table(path: Path, fields: list[str], rows: list[list[str]], delimiter: str = "\t") -> str:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows([fields, *rows])
    return str(path)


def hans_row(label: str, pair: int) -> list[str]:
    parses = ["( a )", "( b )", "(ROOT a)", "(ROOT b)"]
    slices = ["lexical_overlap", "ln_subject/object_swap", "temp1"]
    return [
        label,
        *parses,
        "The cook saw the judge .",
        "The judge saw the cook .",
        f"ex{pair}",
        *slices,
    ]


def test_hans_has_two_labels_and_its_heuristics(tmp_path: Path) -> None:
    rows = [hans_row("non-entailment", 0), hans_row("entailment", 1)]
    table(tmp_path / "heuristics_evaluation_set.txt", HANS_FIELDS, rows)
    table(tmp_path / "heuristics_train_set.txt", HANS_FIELDS, rows[:1])
    spec = f"hans:{tmp_path}"
    assert sorted(available_splits(spec)) == ["dev", "train"]
    loaded = load_split(spec, "dev")
    assert [row.label for row in loaded] == [NON_ENTAILMENT, 0]
    assert loaded[0].source_id == "ex0"
    assert loaded[0].extra == {
        "heuristic": "lexical_overlap",
        "subcase": "ln_subject/object_swap",
        "template": "temp1",
        "pairID": "ex0",
    }
    assert len(load_split(f"{spec}/heuristics_evaluation_set.txt", "dev")) == 2
    assert [is_correct(predicted, NON_ENTAILMENT) for predicted in range(3)] == [False, True, True]


def test_rte_in_the_glue_distribution(tmp_path: Path) -> None:
    rows = [["0", "It rained.", "It was wet.", "entailment"], ["1", "A.", "B.", "not_entailment"]]
    table(tmp_path / "dev.tsv", ["index", "sentence1", "sentence2", "label"], rows)
    assert [row.label for row in load_split(f"rte:{tmp_path}", "dev")] == [0, NON_ENTAILMENT]


def test_rte_numbers_follow_the_published_order_only_under_its_name(tmp_path: Path) -> None:
    path = table(
        tmp_path / "dev.tsv",
        ["sentence1", "sentence2", "label"],
        [["A.", "B.", "0"], ["C.", "D.", "1"]],
    )
    assert [row.label for row in load_split(f"rte:{path}", "dev")] == [0, NON_ENTAILMENT]
    with pytest.raises(NliError, match="nothing says what label"):
        load_split(path, "dev")


def test_snli_hard(jsonl: Callable[..., str]) -> None:
    row = {"gold_label": "neutral", "sentence1": "A.", "sentence2": "B.", "pairID": "1"}
    spec = jsonl([row, {**row, "gold_label": "-"}], "snli_1.0_test_hard.jsonl")
    loaded = load_split(f"snli-hard:{spec}", "test")
    assert ([r.label for r in loaded], loaded.dropped) == ([1], {"no usable label": 1})
    assert available_splits(f"snli-hard:{spec}") == ["test"]


def test_breaking_nli_keeps_its_category(jsonl: Callable[..., str]) -> None:
    row = {
        "sentence1": "The man holds a saxophone",
        "sentence2": "The man holds an electric guitar",
        "gold_label": "contradiction",
        "category": "instruments",
        "annotator_labels": ["contradiction", "contradiction", "contradiction"],
        "pairID": 8,
    }
    loaded = load_split(f"breaking-nli:{jsonl([row], 'dataset.jsonl')}", "test")
    assert loaded[0].extra == {"category": "instruments", "pairID": 8}
    assert loaded[0].annotator_labels == (2, 2, 2)
    assert loaded[0].source_id == "8"


def test_counterfactual_snli(tmp_path: Path) -> None:
    rows = [
        ["A dog runs.", 'Its name is "Rex".', "neutral"],
        ["A dog runs.", "It moves.", "entailment"],
    ]
    table(tmp_path / "dev.tsv", ["sentence1", "sentence2", "gold_label"], rows)
    loaded = load_split(f"cad:{tmp_path}", "dev")
    assert [(row.hypothesis, row.label) for row in loaded] == [
        ('Its name is "Rex".', 1),
        ("It moves.", 0),
    ]


def test_anli_in_both_published_forms(jsonl: Callable[..., str], tmp_path: Path) -> None:
    raw = {
        "uid": "u1",
        "context": "The shop opened in 1949.",
        "hypothesis": "The shop is old.",
        "label": "e",
        "model_label": "n",
        "reason": "1949 is long ago",
        "tag": "adv",
    }
    folder = Path(jsonl([raw, {**raw, "label": "c"}], "R1/dev.jsonl")).parent
    loaded = load_split(f"anli-r1:{folder}", "dev")
    assert [row.label for row in loaded] == [0, 2]
    assert loaded[0].source_id == "u1"
    assert loaded[0].extra["reason"] == "1949 is long ago"
    jsonl([raw], "R2/dev.jsonl")
    assert len(load_split(f"anli:{tmp_path}", "dev")) == 3
    assert len(load_split(f"anli-r2:{tmp_path}", "dev")) == 1
    path = table(
        tmp_path / "r1_test.csv",
        ["premise", "hypothesis", "label"],
        [["A, b.", "C.", "1"], ["D.", "E.", "2"]],
        delimiter=",",
    )
    assert [row.label for row in load_split(f"anli-r1:{path}", "test")] == [1, 2]


def test_mnli_matched_and_mismatched(jsonl: Callable[..., str], tmp_path: Path) -> None:
    row = {"gold_label": "neutral", "sentence1": "A.", "sentence2": "B.", "genre": "travel"}
    jsonl([row], "mnli/multinli_1.0_dev_matched.jsonl")
    jsonl([row, row], "mnli/multinli_1.0_dev_mismatched.jsonl")
    jsonl([row] * 3, "mnli/multinli_1.0_train.jsonl")
    folder = tmp_path / "mnli"
    assert len(load_split(f"mnli:{folder}", "dev")) == 1
    assert len(load_split(f"mnli:{folder}", "train")) == 3
    assert len(load_split(f"mnli-mismatched:{folder}", "dev")) == 2
    assert len(load_split(f"mnli:{folder}", "dev-mismatched")) == 2
    assert load_split(f"mnli:{folder}", "dev")[0].extra == {"genre": "travel"}


ESNLI = {
    "pairID": "1.jpg#0r1n",
    "gold_label": "contradiction",
    "WorkerId": "W",
    "Sentence1": "A small dog, wet and tired, runs.",
    "Sentence2": "The dog is *not* moving.",
    "Explanation_1": "It runs.",
    "Sentence1_marked_1": "A small dog, wet and tired, *runs.*",
    "Sentence2_marked_1": "The dog is *not* *moving.*",
    "Sentence1_Highlighted_1": "{}",
    "Sentence2_Highlighted_1": "9",
    "Explanation_2": "Running is moving.",
    "Sentence1_marked_2": "A small *dog,* wet and tired, *runs.*",
    "Sentence2_marked_2": "The dog is not *moving.*",
    "Explanation_3": "NA",
    "Sentence1_marked_3": "NA",
    "Sentence2_marked_3": "NA",
}


def esnli(tmp_path: Path, **changes: Any) -> str:
    row = {**ESNLI, **changes}
    path = table(tmp_path / "esnli_dev.csv", list(row), [list(row.values())], delimiter=",")
    return f"esnli:{path}"


def test_esnli_highlights_become_word_indices(tmp_path: Path) -> None:
    row = load_split(esnli(tmp_path), "dev")[0]
    assert row.label == 2
    assert row.premise_rationale == (2, 6)  # the union of both annotators
    assert row.hypothesis_rationale == (3, 4)
    assert row.extra["highlights"] == [
        {"premise": [6], "hypothesis": [3, 4]},
        {"premise": [2, 6], "hypothesis": [4]},
    ]
    assert row.extra["explanations"] == ["It runs.", "Running is moving."]


def test_esnli_highlights_of_another_sentence_are_not_placed(tmp_path: Path) -> None:
    row = load_split(esnli(tmp_path, Sentence1_marked_1="*Another* sentence."), "dev")[0]
    assert row.extra["highlights"][0] == {"premise": [], "hypothesis": [3, 4]}


def test_esnli_in_generic_fields_is_read_too(jsonl: Callable[..., str]) -> None:
    spec = jsonl([{"premise": "A.", "hypothesis": "B.", "label": "neutral"}])
    assert load_split(f"esnli:{spec}", "dev")[0].label == 1


def test_both_training_files_of_esnli_are_one_split(tmp_path: Path) -> None:
    for number in (1, 2):
        table(tmp_path / f"esnli_train_{number}.csv", list(ESNLI), [list(ESNLI.values())], ",")
    assert len(load_split(f"esnli:{tmp_path}", "train")) == 2


def test_only_words_between_asterisks_are_marked() -> None:
    assert marked_words("*w1* w2 *w3* * ** w*4") == (0, 2)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_suite_is_registered_and_declares_a_full_order(suite: Any) -> None:
    source = next(source for source in list_sources() if source.name == suite.name)
    assert source.labels in (2, 3)
    assert source.title
    assert available_splits(suite.name) == list(suite.parts)
    assert all(parts for parts in suite.parts.values())
    assert suite.hub or all(url.startswith("https://") for p in suite.parts.values() for url in p)


def test_real_counterfactual_snli() -> None:
    folder = real_data("cad", "all_combined")
    sizes = [len(load_split(f"cad:{folder}", split)) for split in ("train", "dev", "test")]
    assert sizes == [8_330, 1_000, 2_000]
    assert not any('""' in row.premise for row in load_split(f"cad:{folder}", "test"))


def test_real_anli() -> None:
    loaded = load_split(f"anli-r1:{real_data('anli')}", "test")
    assert len(loaded) == 1_000
    assert [list(loaded.rows["label"]).count(label) for label in range(3)] == [334, 333, 333]


def test_real_esnli_highlights() -> None:
    loaded = load_split(f"esnli:{real_data('esnli', 'highlights_sample.csv')}", "dev")
    assert len(loaded) == 90
    marked = [row for row in loaded if row.hypothesis_rationale]
    assert len(marked) > 60
    for row in marked:
        assert max(row.hypothesis_rationale) < len(row.hypothesis.split())
