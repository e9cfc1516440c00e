"""Artefacts of a split, and how much of the models' attribution falls on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nliexplorer.analysis.leakage import Overlap
from nliexplorer.analysis.shortcuts import (
    ArtefactWord,
    HypothesisOnly,
    artefact_share,
    hypothesis_only,
    hypothesis_only_transfer,
    label_words,
)
from nliexplorer.errors import NliError
from nliexplorer.records import EvaluationRef, Example, Run, Word
from nliexplorer.store.reader import StoreReader
from nliexplorer.view.heatmap import completeness_warning
from nliexplorer.workflow.training_overlap import overlap_with_training, training_pairs


@dataclass(frozen=True, slots=True)
class AttributedShare:
    """Mean share of a run's |attribution| on artefact words; `even`: were it spread evenly.

    Over the `n` attributed pairs whose hypothesis has such a word; None where there is none.
    `unreliable`: of the split's `attributed` pairs, whose completeness error is high.
    """

    run: str
    share: float | None
    even: float | None
    n: int
    attributed: int = 0
    unreliable: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """The `artefacts` document. `out_of_fold` is fitted on the split itself, five-fold.

    `transfer` is fitted on the training pairs; it and `overlap` are None, and `missing` says why,
    where those are not at hand. `words` are of the training pairs, else of the split.
    """

    data: str
    split: str
    out_of_fold: HypothesisOnly
    transfer: HypothesisOnly | None
    overlap: Overlap | None
    missing: str
    words_from: str
    words: tuple[ArtefactWord, ...]
    attribution: tuple[AttributedShare, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "data": self.data,
            "split": self.split,
            "n": len(self.out_of_fold.predicted),
            "overlap": self.overlap.as_dict() if self.overlap else None,
            "missing": self.missing,
            "hypothesis_only": {
                "out_of_fold": self.out_of_fold.as_dict(),
                "from_training": self.transfer.as_dict() if self.transfer else None,
            },
            "words_from": self.words_from,
            "words": [word.as_dict() for word in self.words],
            "attribution": [share.as_dict() for share in self.attribution],
        }


def shortcuts(
    reader: StoreReader, runs: Sequence[Run], split: str | None = None, top: int = 20
) -> Shortcuts:
    """Artefacts of the first run's split, and each run's attribution on them."""
    first = runs[0]
    evaluation = reader.runs.evaluation(first.id, split)
    examples = reader.examples.by_id(reader.predictions.arrays(evaluation).example_ids)
    gold = [each.gold for each in examples]
    hypotheses = [each.hypothesis for each in examples]
    train, missing = _training(first)
    transfer = None
    if train:
        transfer = hypothesis_only_transfer(
            [each.hypothesis for each in train], [each.gold for each in train], hypotheses, gold
        )
    source = train or examples
    words = label_words(
        [each.hypothesis for each in source], [each.gold for each in source], top=top
    )
    counterparts = [reader.runs.counterpart(evaluation, run.id).evaluation for run in runs]
    vocabulary = {word.word for word in words}
    return Shortcuts(
        data=first.data,
        split=evaluation.split,
        out_of_fold=hypothesis_only(hypotheses, gold),
        transfer=transfer,
        overlap=overlap_with_training(train, examples) if train else None,
        missing=missing,
        words_from="train" if train else evaluation.split,
        words=words,
        attribution=tuple(
            _share(reader, run, counterpart, vocabulary)
            for run, counterpart in zip(runs, counterparts, strict=True)
        ),
    )


def _training(run: Run) -> tuple[list[Example], str]:
    """The training pairs, or none and why."""
    try:
        return training_pairs(run), ""
    except NliError as error:
        return [], error.message


def _share(
    reader: StoreReader, run: Run, evaluation: EvaluationRef, vocabulary: set[str]
) -> AttributedShare:
    share, n = artefact_share(_attributed(reader, evaluation), vocabulary)
    even = (
        [replace(word, score=1.0) for word in words] for words in _attributed(reader, evaluation)
    )
    doubtful = [
        bool(completeness_warning(pair.attribution))
        for pair in reader.attributions.pairs(evaluation)
    ]
    evenly = artefact_share(even, vocabulary)[0]
    return AttributedShare(run.name, share, evenly, n, len(doubtful), sum(doubtful))


def _attributed(reader: StoreReader, evaluation: EvaluationRef) -> Iterator[list[Word]]:
    for pair in reader.attributions.pairs(evaluation):
        yield pair.attribution.words(pair.premise, pair.hypothesis)
