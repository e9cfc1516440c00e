"""Metrics of one run on one split, and its confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import (
    PROBABILITY_FLOOR,
    FloatArray,
    IntArray,
    Outputs,
    outputs,
)
from nliexplorer.analysis.ranking import roc_auc
from nliexplorer.records import ENTAILMENT, GOLD_NAMES, LABELS, NEUTRAL, Metrics

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

    Two-label gold: right is as records.is_correct, everything else from P(entailment). Raises
    NliError for empty, unlabelled or non-finite input.
    """
    given = outputs(gold, logits=logits, probabilities=probabilities, predicted=predicted)
    return metrics_of(given, eval_seconds)


def metrics_of(given: Outputs, eval_seconds: float | None = None) -> Metrics:
    """Metrics of checked outputs."""
    accuracy = float(given.correct.mean())
    if given.log_p is None:
        return Metrics(given.n, accuracy, eval_seconds=eval_seconds)
    macro, neutral = auc_pair(given)
    return Metrics(
        n=given.n,
        accuracy=accuracy,
        roc_auc_macro=macro,
        roc_auc_neutral=neutral,
        nll=float(nll_each(given).mean()),
        brier=float(brier_each(given).mean()),
        ece=expected_calibration_error(given),
        eval_seconds=eval_seconds,
    )


def auc_pair(given: Outputs) -> tuple[float | None, float | None]:
    """Macro one-vs-rest AUC (None unless every class occurs) and neutral-vs-rest, the paper's.

    With two labels the first is the AUC of P(entailment), the second None.
    """
    p = given.p
    if p is None:
        return None, None
    if given.two_label:
        return roc_auc(p[:, 0], given.target == ENTAILMENT), None
    each = [roc_auc(p[:, label], given.gold == label) for label in range(len(LABELS))]
    known = [auc for auc in each if auc is not None]
    complete = len(known) == len(LABELS)
    return (float(np.mean(known)) if complete else None), each[NEUTRAL]


def nll_each(given: Outputs) -> FloatArray:
    """[n] -ln P(gold), nats."""
    assert given.log_p is not None
    return -given.log_p[np.arange(given.n), given.target]


def floored_pairs(given: Outputs) -> int:
    """Pairs whose P(gold) was given as 0 (or next to it) and is floored, so that NLL is finite."""
    if given.p is None or given.log_p is None:
        return 0
    gold = np.arange(given.n), given.target
    # logits keep exact logarithms, however small: there, both sides are equal
    return int((np.exp(given.log_p[gold]) > 2.0 * given.p[gold]).sum())


def floored_note(given: Outputs, name: str) -> str:
    """A sentence where NLL rests on a floor; empty where it does not."""
    n = floored_pairs(given)
    if not n:
        return ""
    pairs = "1 pair" if n == 1 else f"{n:,} pairs"
    return (
        f"{name} gives the gold label of {pairs} probability 0: NLL takes it for "
        f"{PROBABILITY_FLOOR:.1e}, {-np.log(PROBABILITY_FLOOR):.1f} nats each"
    )


def brier_each(given: Outputs) -> FloatArray:
    """[n] squared distance of the probabilities from the one-hot gold, summed over classes."""
    p = given.p
    assert p is not None
    residual = p.copy()
    residual[np.arange(given.n), given.target] -= 1.0
    return (residual**2).sum(axis=1)


def bin_index(confidence: FloatArray, bins: int = BINS) -> IntArray:
    """[n] number of the equal-width bin of [0, 1]; lower edges belong to a bin, 1.0 to the last."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def expected_calibration_error(given: Outputs, bins: int = BINS) -> float:
    """ECE: |accuracy - confidence| over equal-width bins, weighted by n (Guo et al. 2017)."""
    confidence = given.confidence
    assert confidence is not None
    gap = given.correct - confidence
    sums = np.bincount(bin_index(confidence, bins), weights=gap, minlength=bins)
    return float(np.abs(sums).sum() / given.n)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows gold, columns predicted; `rates` are row-normalised, NaN for a row without pairs."""

    counts: IntArray  # [gold classes, 3]

    @property
    def rates(self) -> FloatArray:
        totals = self.counts.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.counts / totals

    @property
    def gold_names(self) -> tuple[str, ...]:
        """Names of the rows; two-label gold has the rows entailment and non-entailment."""
        return LABELS if len(self.counts) == 3 else (GOLD_NAMES[0], GOLD_NAMES[3])

    def as_dict(self) -> dict[str, Any]:
        rates = [[None if np.isnan(x) else float(x) for x in row] for row in self.rates]
        return {
            "gold": list(self.gold_names),
            "predicted": list(LABELS),
            "counts": self.counts.tolist(),
            "rates": rates,
        }


def confusion(given: Outputs) -> Confusion:
    """The confusion matrix of Fig. 9."""
    rows = 2 if given.two_label else 3
    flat = given.target * 3 + given.predicted
    return Confusion(np.bincount(flat, minlength=rows * 3).reshape(rows, 3))
