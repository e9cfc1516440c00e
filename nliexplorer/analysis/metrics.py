"""Metrics of one run on one split, and its confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import (
    PROBABILITY_FLOOR,
    BoolArray,
    FloatArray,
    IntArray,
    Outputs,
    outputs,
)
from nliexplorer.analysis.ranking import Placements, auc_of, placements
from nliexplorer.records import (
    ENTAILMENT,
    GOLD_NAMES,
    LABELS,
    NEUTRAL,
    UNKNOWN,
    Metrics,
)

BINS = 10


def compute_metrics(
    gold: npt.ArrayLike,
    *,
    logits: npt.ArrayLike | None = None,
    probabilities: npt.ArrayLike | None = None,
    predicted: npt.ArrayLike | None = None,
    eval_seconds: float | None = None,
) -> Metrics:
    """Metrics of gold [n] against logits or probabilities [n, 3], or predicted labels [n] alone.

    Gold labels and predictions of records.UNKNOWN are counted as unlabelled and unanswered, and
    their pairs left out of all figures. Two-label gold and two-way heads ([n, 2]): right is as
    records.is_correct, everything else from P(entailment). Raises NliError for empty or
    non-finite input.
    """
    labels = np.asarray(gold)
    answered = np.ones(labels.shape, dtype=bool)
    if predicted is not None and np.asarray(predicted).shape == labels.shape:
        answered = np.asarray(predicted) != UNKNOWN
    scored = answered & (labels != UNKNOWN)

    def scored_only(values: npt.ArrayLike | None) -> npt.ArrayLike | None:
        if values is None or len(np.asarray(values)) != labels.size:
            return values
        return np.asarray(values)[scored]

    measured = Metrics(labels.size, None, eval_seconds=eval_seconds)
    if scored.any() or not scored.size:
        checked = outputs(
            labels[scored],
            logits=scored_only(logits),
            probabilities=scored_only(probabilities),
            predicted=scored_only(predicted),
        )
        measured = metrics_of(checked, eval_seconds)
    unanswered = int((~answered).sum())
    return replace(
        measured,
        n=scored.size,
        unanswered=unanswered,
        unlabelled=int((~scored).sum()) - unanswered,
    )


def metrics_of(
    outputs: Outputs,
    eval_seconds: float | None = None,
    placed: Sequence[Placements | None] | None = None,
) -> Metrics:
    """Metrics of checked outputs; `placed`: their `class_placements`, where they are known."""
    accuracy = float(outputs.correct.mean())
    if outputs.log_p is None:
        return Metrics(outputs.n, accuracy, eval_seconds=eval_seconds)
    macro, neutral = auc_pair(class_placements(outputs) if placed is None else placed)
    return Metrics(
        n=outputs.n,
        accuracy=accuracy,
        roc_auc_macro=macro,
        roc_auc_neutral=neutral,
        nll=float(nll_each(outputs).mean()),
        brier=float(brier_each(outputs).mean()),
        ece=expected_calibration_error(outputs),
        eval_seconds=eval_seconds,
    )


def positives(outputs: Outputs) -> list[BoolArray]:
    """[n] whose gold label is the class, for each class; with two labels for entailment alone."""
    if outputs.two_label:
        return [outputs.target == ENTAILMENT]
    return [outputs.gold == label for label in range(len(LABELS))]


def class_placements(outputs: Outputs) -> list[Placements | None]:
    """Placements of each class's `positives` among the rest, by its probability; empty without
    probabilities."""
    p = outputs.p
    if p is None:
        return []
    return [placements(p[:, label], mask) for label, mask in enumerate(positives(outputs))]


def auc_pair(placed: Sequence[Placements | None]) -> tuple[float | None, float | None]:
    """Macro one-vs-rest AUC (None unless every class occurs) and neutral-vs-rest, the paper's.

    `placed`: what `class_placements` gives. With two labels the first is the AUC of P(entailment),
    the second None.
    """
    each = [auc_of(of_class) for of_class in placed]
    known = [auc for auc in each if auc is not None]
    complete = bool(each) and len(known) == len(each)
    return (float(np.mean(known)) if complete else None), each[NEUTRAL] if len(
        each
    ) > NEUTRAL else None


def nll_each(outputs: Outputs) -> FloatArray:
    """[n] -ln P(gold), nats."""
    assert outputs.log_p is not None
    return -outputs.log_p[np.arange(outputs.n), outputs.target]


def floored_pairs(outputs: Outputs) -> int:
    """Pairs whose P(gold) was given as 0 (or next to it) and is floored, so that NLL is finite."""
    if outputs.p is None or outputs.log_p is None:
        return 0
    gold = np.arange(outputs.n), outputs.target
    # logits keep exact logarithms, however small: there, both sides are equal
    return int((np.exp(outputs.log_p[gold]) > 2.0 * outputs.p[gold]).sum())


def floored_note(outputs: Outputs, name: str) -> str:
    """A sentence where NLL rests on a floor; empty where it does not."""
    n = floored_pairs(outputs)
    if not n:
        return ""
    pairs = "1 pair" if n == 1 else f"{n:,} pairs"
    return (
        f"{name} gives the gold label of {pairs} probability 0: NLL takes it for "
        f"{PROBABILITY_FLOOR:.1e}, {-np.log(PROBABILITY_FLOOR):.1f} nats each"
    )


def brier_each(outputs: Outputs) -> FloatArray:
    """[n] squared distance of the probabilities from the one-hot gold, summed over classes."""
    p = outputs.p
    assert p is not None
    residual = p.copy()
    residual[np.arange(outputs.n), outputs.target] -= 1.0
    return (residual**2).sum(axis=1)


def bin_index(confidence: FloatArray, bins: int = BINS) -> IntArray:
    """[n] number of the equal-width bin of [0, 1]; lower edges belong to a bin, 1.0 to the last."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def expected_calibration_error(outputs: Outputs, bins: int = BINS) -> float:
    """ECE: |accuracy - confidence| over equal-width bins, weighted by n (Guo et al. 2017)."""
    confidence = outputs.confidence
    assert confidence is not None
    gap = outputs.correct - confidence
    sums = np.bincount(bin_index(confidence, bins), weights=gap, minlength=bins)
    return float(np.abs(sums).sum() / outputs.n)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows gold, columns predicted; `rates` are row-normalised, NaN for a row without pairs."""

    counts: IntArray  # [gold classes, 3], or [2, 2] of a two-way head

    @property
    def rates(self) -> FloatArray:
        totals = self.counts.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.counts / totals

    @property
    def gold_names(self) -> tuple[str, ...]:
        """Names of the rows; two-label gold has the rows entailment and non-entailment."""
        return LABELS if len(self.counts) == 3 else (GOLD_NAMES[0], GOLD_NAMES[3])

    @property
    def predicted_names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return LABELS if self.counts.shape[1] == 3 else (GOLD_NAMES[0], GOLD_NAMES[3])

    def as_dict(self) -> dict[str, Any]:
        rates = [[None if np.isnan(x) else float(x) for x in row] for row in self.rates]
        return {
            "gold": list(self.gold_names),
            "predicted": list(self.predicted_names),
            "counts": self.counts.tolist(),
            "rates": rates,
        }


def confusion(outputs: Outputs) -> Confusion:
    """The confusion matrix of Fig. 9."""
    rows = 2 if outputs.two_label else 3
    columns, column = (2, outputs.decision) if outputs.two_way else (3, outputs.predicted)
    flat = outputs.target * columns + column
    return Confusion(np.bincount(flat, minlength=rows * columns).reshape(rows, columns))
