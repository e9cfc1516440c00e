"""Gold labels that one or more runs contradict, with further evidence for or against them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nliexplorer.analysis.label_errors import LabelErrors, disagreement_auc, label_errors
from nliexplorer.analysis.outputs import FloatArray, Outputs
from nliexplorer.annotators import human_distribution, share_of
from nliexplorer.comparison.pairs import PairedRuns, Side
from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, TWO_WAY, Example, gold_name
from nliexplorer.run_summary import overlap_key
from nliexplorer.store.reader import StoreReader

#: Mean P(gold) over the epochs of training (Swayamdipta et al. 2020), for pairs trained on.
TRAINING_DYNAMICS = "training-dynamics"


@dataclass(frozen=True, slots=True, eq=False)
class LabelReport:
    """The pairs of a split by label quality; every array is [n], as the pairs of the first run.

    `agreement`: share of a pair's annotators who gave the gold label, NaN where none are known.
    `disagreement_auc`: how well low quality finds the pairs whose annotators disagree; None where
    that cannot be measured. `warnings`: why the judgement may not be fair.
    """

    errors: LabelErrors
    suggested: tuple[str, ...]
    agreement: FloatArray
    disagreement_auc: float | None
    warnings: tuple[str, ...]

    @property
    def annotated(self) -> int:
        """How many pairs have annotators."""
        return int(np.isfinite(self.agreement).sum())


def label_report(reader: StoreReader, paired: PairedRuns, score: str) -> LabelReport:
    """Judges the gold labels by all the runs' probabilities, averaged.

    `score`: one of analysis.label_errors.LABEL_SCORES, or TRAINING_DYNAMICS for the first run's
    training pairs. Raises NliError where a run has no probabilities, or no dynamics were recorded.
    """
    outputs = paired.outputs
    p = np.stack(_probabilities(paired))
    two_label = p.shape[2] == len(TWO_WAY)
    gold = outputs[0].gold
    target = (gold != 0).astype(np.int64) if two_label else gold
    dynamics = score == TRAINING_DYNAMICS
    errors = label_errors(p, target, "self-confidence" if dynamics else score)
    if dynamics:
        quality = _training_confidence(reader, paired.sides[0])
        errors = LabelErrors(quality, errors.suggested, errors.flagged)
    names = [gold_name(label) for label in TWO_WAY] if two_label else LABELS
    examples = reader.examples.by_id(paired.arrays[0].example_ids)
    agreement = np.array([_agreement(example) for example in examples])
    return LabelReport(
        errors,
        tuple(names[i] for i in errors.suggested),
        agreement,
        disagreement_auc(errors.score, agreement),
        () if dynamics else tuple(_warnings(paired)),
    )


def _probabilities(paired: PairedRuns) -> list[FloatArray]:
    """[n, classes] of each run; two classes where some run or the gold labels have two."""
    for side in paired.sides:
        if side.outputs.p is None:
            raise NliError(
                f"run {side.run.name} has predicted labels only, without confidences",
                "name runs with probabilities or logits",
            )
    merged = any(outputs.two_label for outputs in paired.outputs)
    return [_columns(outputs, merged) for outputs in paired.outputs]


def _columns(outputs: Outputs, merged: bool) -> FloatArray:
    assert outputs.p is not None
    entailment = outputs.p[:, 0]
    return np.stack([entailment, 1.0 - entailment], axis=1) if merged else outputs.p


def _training_confidence(reader: StoreReader, side: Side) -> FloatArray:
    """[n] mean P(gold) over the epochs; 1 (nothing to doubt) for pairs without a record."""
    dynamics = reader.dynamics.pairs(side.run.id)
    if dynamics is None:
        raise NliError(
            f"run {side.run.name} did not record its training pairs",
            "train with --record-dynamics, then: nliexplorer evaluate RUN --split train",
        )
    mean = dict(
        zip(dynamics.example_ids.tolist(), dynamics.gold_probability.mean(axis=0), strict=True)
    )
    known = np.array([mean.get(int(i), np.nan) for i in side.arrays.example_ids])
    if np.isnan(known).all():
        raise NliError(
            f"run {side.run.name} was trained on none of the pairs of {side.split}",
            f"nliexplorer evaluate {side.run.name} --split train, then --split train here",
        )
    return np.nan_to_num(known, nan=1.0)


def _agreement(example: Example) -> float:
    shares = human_distribution(example.annotator_labels, example.extra)
    share = None if shares is None or example.label is None else share_of(shares, example.label)
    return float("nan") if share is None else share


def _warnings(paired: PairedRuns) -> Iterator[str]:
    """A model that has seen a label in training repeats it, right or wrong."""
    for side in paired.sides:
        if side.split.rpartition(":")[2].startswith("train"):
            yield (
                f"{side.run.name} was trained on {side.split}: its judgement is worth little "
                f"there; use another split, or --score {TRAINING_DYNAMICS}"
            )
        elif _near_pairs(side):
            yield f"{side.run.name}: {side.overlap}; its judgement of those is worth little"


def _near_pairs(side: Side) -> int:
    """How many of the pairs are known to occur, at least nearly, in the run's training pairs."""
    overlap: Any = side.run.summary.get(overlap_key(side.split)) or {}
    return int(overlap.get("near", 0))
