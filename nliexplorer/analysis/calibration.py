"""Calibration: reliability bins, ECE, temperature scaling, and the paper's Fig. 10."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.decomposition import BrierParts, brier_decomposition
from nliexplorer.analysis.intervals import wilson
from nliexplorer.analysis.metrics import (
    BINS,
    bin_index,
    brier_each,
    expected_calibration_error,
    nll_each,
)
from nliexplorer.analysis.outputs import BoolArray, FloatArray, IntArray, Outputs, outputs
from nliexplorer.analysis.regression import Line, fit_line
from nliexplorer.analysis.risk_coverage import RiskCoverage, risk_coverage
from nliexplorer.analysis.temperature import Temperature, fit_temperature
from nliexplorer.errors import NliError


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs whose confidence lies in [low, high); the rest is None where n = 0."""

    low: float
    high: float
    n: int
    confidence: float | None = None  # mean
    accuracy: float | None = None
    ci_low: float | None = None  # 95 % Wilson
    ci_high: float | None = None

    def as_dict(self) -> dict[str, float | int | None]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of one run on one split; the first eleven figures are those of the interface.

    `line` and `r2`: least squares of accuracy on confidence through the filled bins, each bin
    counting once as in the paper; `r2_weighted` counts each bin by its pairs.
    `temperature` is fitted on one half, `*_after_temperature` and `held_out_*` are of the other.
    """

    n: int
    bins: tuple[Bin, ...]
    ece: float
    mce: float
    nll: float
    brier: float
    r2: float | None
    temperature: float | None
    ece_after_temperature: float | None
    nll_after_temperature: float | None
    ece_equal_count: float
    r2_weighted: float | None
    held_out_ece: float | None
    held_out_nll: float | None
    brier_after_temperature: float | None
    held_out_brier: float | None
    decomposition: BrierParts
    line: Line | None
    risk: RiskCoverage = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """The `calibration` document; curves are left to the figures."""
        names = [n for n in self.__dataclass_fields__ if n not in _NESTED]
        plain = {name: getattr(self, name) for name in names}
        bins = [b.as_dict() for b in self.bins]
        return {
            "n": plain.pop("n"),
            "bins": bins,
            **plain,
            "aurc": self.risk.aurc,
            "brier_decomposition": self.decomposition.as_dict(),
        }


_NESTED = ("bins", "decomposition", "line", "risk")


def calibration(
    gold: npt.ArrayLike,
    *,
    logits: npt.ArrayLike | None = None,
    probabilities: npt.ArrayLike | None = None,
    predicted: npt.ArrayLike | None = None,
) -> Calibration:
    """Calibration of gold [n] against logits or probabilities [n, 3]; NliError without either."""
    return calibration_of(
        outputs(gold, logits=logits, probabilities=probabilities, predicted=predicted)
    )


def calibration_of(outputs: Outputs, bins: int = BINS) -> Calibration:
    """Calibration of checked outputs, in `bins` equal-width bins of the softmax confidence."""
    confidence = outputs.confidence
    if confidence is None:
        raise NliError(
            "this run has labels only, and calibration needs probabilities",
            "import the file again with predicted_scores",
        )
    edges = np.linspace(0.0, 1.0, bins + 1)
    table = _bins(confidence, outputs.correct, bin_index(confidence, bins), edges)
    filled = [b for b in table if b.n]
    x = np.array([b.confidence for b in filled], dtype=np.float64)
    y = np.array([b.accuracy for b in filled], dtype=np.float64)
    line = fit_line(x, y)
    weighted = fit_line(x, y, np.array([b.n for b in filled], dtype=np.float64))
    scaled: Temperature = fit_temperature(outputs)
    return Calibration(
        n=outputs.n,
        bins=table,
        ece=expected_calibration_error(outputs, bins),
        mce=float(np.abs(x - y).max()),
        nll=float(nll_each(outputs).mean()),
        brier=float(brier_each(outputs).mean()),
        r2=line.r2 if line else None,
        temperature=scaled.temperature,
        ece_after_temperature=scaled.ece_after,
        nll_after_temperature=scaled.nll_after,
        ece_equal_count=equal_count_ece(confidence, outputs.correct, bins),
        r2_weighted=weighted.r2 if weighted else None,
        held_out_ece=scaled.ece_before,
        held_out_nll=scaled.nll_before,
        brier_after_temperature=scaled.brier_after,
        held_out_brier=scaled.brier_before,
        decomposition=brier_decomposition(outputs, bins),
        line=line,
        risk=risk_coverage(confidence, outputs.correct),
    )


def _bins(
    confidence: FloatArray, correct: BoolArray, index: IntArray, edges: FloatArray
) -> tuple[Bin, ...]:
    size = len(edges) - 1
    n = np.bincount(index, minlength=size)
    right = np.bincount(index, weights=correct, minlength=size)
    total = np.bincount(index, weights=confidence, minlength=size)
    low, high = wilson(right, n)
    return tuple(
        Bin(
            low=float(round(edges[i], 12)),
            high=float(round(edges[i + 1], 12)),
            n=int(n[i]),
            confidence=float(total[i] / n[i]) if n[i] else None,
            accuracy=float(right[i] / n[i]) if n[i] else None,
            ci_low=float(low[i]) if n[i] else None,
            ci_high=float(high[i]) if n[i] else None,
        )
        for i in range(size)
    )


def equal_count_index(values: npt.ArrayLike, bins: int = BINS) -> IntArray:
    """[n] number of the equal-count bin; equal values share one, so ties make counts uneven."""
    data = np.asarray(values)
    first = np.searchsorted(np.sort(data), data, "left")
    return np.unique(first * bins // max(data.size, 1), return_inverse=True)[1].astype(np.int64)


def equal_count_ece(confidence: FloatArray, correct: BoolArray, bins: int = BINS) -> float:
    """ECE over bins of equal count (adaptive ECE; Nguyen and O'Connor 2015)."""
    gap = correct - confidence
    sums = np.bincount(equal_count_index(confidence, bins), weights=gap)
    return float(np.abs(sums).sum() / confidence.size)


@dataclass(frozen=True, slots=True)
class PublishedFig10:
    """Fig. 10 as the paper's code drew it: raw top logits taken for probabilities.

    Only the `n_used` of `n` pairs whose top logit lies in [0, 1] are in it.
    """

    n: int
    n_used: int
    bins: tuple[Bin, ...]
    line: Line | None

    @property
    def r2(self) -> float | None:
        return self.line.r2 if self.line else None

    @property
    def warning(self) -> str:
        return (
            f"raw logits are not probabilities: only {self.n_used:,} of {self.n:,} pairs have a "
            "top logit in [0, 1] and count here; this does not measure calibration"
        )

    def as_dict(self) -> dict[str, Any]:
        """The `calibration --paper` document."""
        return {
            "n": self.n,
            "n_used": self.n_used,
            "bins": [each.as_dict() for each in self.bins],
            "r2": self.r2,
            "slope": self.line.slope if self.line else None,
            "intercept": self.line.intercept if self.line else None,
            "warning": self.warning,
        }


def published_fig10(gold: npt.ArrayLike, logits: npt.ArrayLike, bins: int = BINS) -> PublishedFig10:
    """Accuracy by raw top logit in equal-width bins of [0, 1], the line through their midpoints."""
    checked = outputs(gold, logits=logits)
    assert checked.scores is not None
    top = checked.scores.max(axis=1)
    used = (top >= 0.0) & (top <= 1.0)
    edges = np.linspace(0.0, 1.0, bins + 1)
    table = _bins(top[used], checked.correct[used], bin_index(top[used], bins), edges)
    filled = [b for b in table if b.n]
    x = np.array([(b.low + b.high) / 2.0 for b in filled])
    y = np.array([b.accuracy for b in filled], dtype=np.float64)
    return PublishedFig10(checked.n, int(used.sum()), table, fit_line(x, y))
