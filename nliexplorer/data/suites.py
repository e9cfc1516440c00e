"""The named sources: where each set lives, what its splits and labels are called, its extras.

Two-label sets (HANS, RTE, QNLI, SciTail) merge neutral and contradiction into non-entailment; a
three-way prediction is right there unless it says entailment of a non-entailment or the reverse
(`records.is_correct`), the rule of McCoy et al. 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

THREE = ("entailment", "neutral", "contradiction")
TWO = ("entailment", "non-entailment")
RawFields = dict[str, Any]
_RAW = "https://raw.githubusercontent.com/"


@dataclass(frozen=True)
class Suite:
    """A published NLI set.

    `hub` is OWNER/NAME[:CONFIG]; `parts` maps each split to hub splits, or to URLs where `hub` is
    "". `order` is the published numbering. `files` maps file stems of the original distribution,
    where these do not tell the split, to splits; `folders` are the subfolders it comes in.
    `adapt` rewrites a raw row before it is read. `words` are labels that mean something else here
    than elsewhere; `columns` those of its TSV files, where these have no header.
    """

    name: str
    title: str
    parts: Mapping[str, tuple[str, ...]]
    hub: str = ""
    order: tuple[str, ...] = THREE
    files: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    adapt: Callable[[RawFields], RawFields] | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    @property
    def labels(self) -> int:
        return len(self.order)


def _rounds(split: str) -> tuple[str, ...]:
    return tuple(f"{split}_r{number}" for number in (1, 2, 3))


def marked_words(marked: str) -> tuple[int, ...]:
    """Indices of the whitespace words that are entirely between asterisks: e-SNLI's highlights."""
    return tuple(
        index
        for index, word in enumerate(marked.split())
        if len(word) > 2 and word[0] == word[-1] == "*"
    )


def esnli_row(row: RawFields) -> RawFields:
    """e-SNLI: union of up to three annotators' highlights, each kept apart in `extra`.

    Where the marked text has other words than the sentence, its highlights cannot be placed and
    are left out.
    """
    if "Sentence1" not in row:  # pairs in generic fields
        return row
    premise, hypothesis = str(row.get("Sentence1", "")), str(row.get("Sentence2", ""))
    highlights, explanations = [], []
    for number in (1, 2, 3):
        explanation = row.get(f"Explanation_{number}")
        if not explanation or explanation == "NA":
            continue
        explanations.append(explanation)
        highlights.append(
            {
                "premise": _placed(row.get(f"Sentence1_marked_{number}"), premise),
                "hypothesis": _placed(row.get(f"Sentence2_marked_{number}"), hypothesis),
            }
        )
    return {
        "pairID": row.get("pairID"),
        "premise": row.get("Sentence1"),
        "hypothesis": row.get("Sentence2"),
        "label": row.get("gold_label"),
        "premise_rationale": sorted({i for mark in highlights for i in mark["premise"]}),
        "hypothesis_rationale": sorted({i for mark in highlights for i in mark["hypothesis"]}),
        "extra": {"highlights": highlights, "explanations": explanations},
    }


def _placed(marked: Any, sentence: str) -> list[int]:
    text = marked if isinstance(marked, str) else ""
    plain = [word.strip("*") for word in text.split()]
    same = plain == [word.strip("*") for word in sentence.split()]
    return list(marked_words(text)) if same else []


def _anli_row(row: RawFields) -> RawFields:
    """The original distribution calls the premise `context`."""
    return {"premise": row["context"], **row} if "context" in row else row


def _qnli_row(row: RawFields) -> RawFields:
    """The question comes first, as in GLUE and in the models trained on it."""
    if "question" not in row:
        return row
    return {"premise": row["question"], "hypothesis": row["sentence"], **row}


def _github(repository: str, *files: str) -> tuple[str, ...]:
    return tuple(f"{_RAW}{repository}/{file}" for file in files)


_ANLI = "facebook/anli"
_MNLI = "nyu-mll/multi_nli"
_CAD = "acmi-lab/counterfactually-augmented-data/master/NLI"
_ESNLI = "OanaMariaCamburu/e-SNLI/master/dataset"

SUITES: tuple[Suite, ...] = (
    Suite(
        "snli",
        "Stanford NLI (Bowman et al. 2015)",
        {"train": ("train",), "dev": ("validation",), "test": ("test",)},
        "stanfordnlp/snli",
    ),
    Suite(
        "mnli",
        "MultiNLI, matched genres (Williams et al. 2018)",
        {
            "train": ("train",),
            "dev": ("validation_matched",),
            "dev-mismatched": ("validation_mismatched",),
        },
        _MNLI,
        files={
            "multinli_1.0_dev_matched": "dev",
            "dev_matched": "dev",
            "validation_matched": "dev",
        },
    ),
    Suite(
        "mnli-mismatched",
        "MultiNLI, genres unseen in training",
        {"dev": ("validation_mismatched",)},
        _MNLI,
        files={
            "multinli_1.0_dev_mismatched": "dev",
            "dev_mismatched": "dev",
            "validation_mismatched": "dev",
        },
    ),
    Suite(
        "anli",
        "Adversarial NLI, rounds 1-3 together (Nie et al. 2020)",
        {"train": _rounds("train"), "dev": _rounds("dev"), "test": _rounds("test")},
        _ANLI,
        folders=("R1", "R2", "R3"),
        adapt=_anli_row,
    ),
    *(
        Suite(
            f"anli-r{number}",
            f"Adversarial NLI, round {number}",
            {split: (f"{split}_r{number}",) for split in ("train", "dev", "test")},
            _ANLI,
            files={
                stem: split
                for split in ("train", "dev", "test")
                for stem in (f"r{number}_{split}", f"{split}_r{number}")
            },
            folders=(f"R{number}",),
            adapt=_anli_row,
        )
        for number in (1, 2, 3)
    ),
    Suite(
        "hans",
        "HANS, heuristics of overlap, two labels (McCoy et al. 2019)",
        {
            "train": _github("tommccoy1/hans/master", "heuristics_train_set.txt"),
            "dev": _github("tommccoy1/hans/master", "heuristics_evaluation_set.txt"),
        },
        order=TWO,
        files={"heuristics_train_set": "train", "heuristics_evaluation_set": "dev"},
    ),
    Suite(
        "rte",
        "RTE of GLUE, two labels (Wang et al. 2019)",
        {"train": ("train",), "dev": ("validation",)},
        "nyu-mll/glue:rte",
        order=TWO,
    ),
    Suite(
        "qnli",
        "QNLI of GLUE: does the sentence answer the question, two labels (Wang et al. 2019)",
        {"train": ("train",), "dev": ("validation",)},
        "nyu-mll/glue:qnli",
        order=TWO,
        adapt=_qnli_row,
    ),
    Suite(
        "scitail",
        "SciTail, science questions, two labels (Khot et al. 2018)",
        {"train": ("train",), "dev": ("validation",), "test": ("test",)},
        "allenai/scitail:snli_format",
        order=TWO,
        words={"neutral": "non-entailment"},
        columns=("premise", "hypothesis", "label"),
    ),
    Suite(
        "snli-hard",
        "SNLI test pairs a hypothesis-only model gets wrong (Gururangan et al. 2018)",
        {"test": ("https://nlp.stanford.edu/projects/snli/snli_1.0_test_hard.jsonl",)},
        files={"snli_1.0_test_hard": "test", "test_hard": "test"},
    ),
    Suite(
        "breaking-nli",
        "Breaking NLI, one word replaced (Glockner et al. 2018)",
        {
            "test": (
                "https://github.com/BIU-NLP/Breaking_NLI/raw/master/breaking_nli_dataset.zip"
                "#data/dataset.jsonl",
            )
        },
        files={"dataset": "test"},
    ),
    Suite(
        "cad",
        "counterfactual SNLI, original and revised pairs (Kaushik et al. 2020)",
        {
            split: _github(f"{_CAD}/all_combined", f"{split}.tsv")
            for split in ("train", "dev", "test")
        },
    ),
    Suite(
        "cad-original",
        "the SNLI pairs that counterfactual SNLI revises",
        {split: _github(f"{_CAD}/original", f"{split}.tsv") for split in ("train", "dev", "test")},
    ),
    Suite(
        "esnli",
        "e-SNLI, human highlights and explanations (Camburu et al. 2018)",
        {
            "train": _github(_ESNLI, "esnli_train_1.csv", "esnli_train_2.csv"),
            "dev": _github(_ESNLI, "esnli_dev.csv"),
            "test": _github(_ESNLI, "esnli_test.csv"),
        },
        files={"esnli_train_1": "train", "esnli_train_2": "train"},
        adapt=esnli_row,
    ),
)
