"""Paired bootstrap of metric differences: all metrics of all runs from one matrix product per tile.

Every difference here is a function of weighted column sums, so one draw of weights serves them
all: means (NLL, Brier) exactly, ECE bin by bin, AUC through its placements (the first-order
expansion behind DeLong's variance, whose error is of order 1/n). Accuracy needs no resampling: its
difference has a score interval and an exact test (`intervals.newcombe_paired`, `mcnemar_exact`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from nliexplorer.analysis.metrics import (
    BINS,
    bin_index,
    brier_each,
    class_placements,
    expected_calibration_error,
    nll_each,
    positives,
)
from nliexplorer.analysis.outputs import BoolArray, FloatArray, Outputs
from nliexplorer.analysis.ranking import Placements
from nliexplorer.records import NEUTRAL

RESAMPLES = 10_000
_DRAWS = 500_000_000  # pairs times resamples; very large runs get fewer resamples, not more time
_PAIRS = 16_384  # in one tile, so that its columns stay in the cache
_TILE = 500_000  # weights drawn at once
_TOGETHER = 8  # so many draws make one tile: fewer and larger products
_POISSON_FROM = 1_000

Sums = npt.NDArray[np.float64]  # [resamples, columns]


def resamples_for(n: int) -> int:
    """The default number of resamples for n pairs."""
    return int(min(RESAMPLES, max(1_000, _DRAWS // max(n, 1))))


def bootstrap_weights(
    n: int, resamples: int, rng: np.random.Generator
) -> Iterator[tuple[slice, slice, npt.NDArray[np.float32]]]:
    """Tiles [rows, pairs] of how often each pair is drawn, each with the rows and pairs it covers.

    Multinomial counts; from 1,000 pairs on independent Poisson(1) counts (Hanley and MacGibbon
    2006), which are much faster to draw and whose statistics, normalised by the total, agree.
    """
    edges = _poisson_edges()
    width = n if n < _POISSON_FROM else min(n, _PAIRS)
    rows = max(1, _TILE // width)
    for start in range(0, n, width):
        pairs = slice(start, min(start + width, n))
        for first in range(0, resamples, rows * _TOGETHER):
            last = min(first + rows * _TOGETHER, resamples)
            drawn = np.empty((last - first, pairs.stop - start), dtype=np.float32)
            for part in (drawn[i : i + rows] for i in range(0, len(drawn), rows)):
                if n < _POISSON_FROM:
                    part[:] = rng.multinomial(n, np.full(n, 1.0 / n), size=len(part))
                else:
                    part[:] = _poisson(part.shape, edges, rng)
            yield slice(first, last), pairs, drawn


def _poisson(
    shape: tuple[int, ...], edges: Sequence[int], rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    size = math.prod(shape)
    words = rng.integers(0, 2**64, size=-(-size // 4), dtype=np.uint64)  # four numbers to a word
    uniform = words.view(np.uint16)[:size]
    counts = (uniform >= edges[0]).view(np.uint8)
    for edge in edges[1:]:
        counts += uniform >= edge
    return counts.reshape(shape)


def _poisson_edges() -> list[int]:
    """Poisson(1) from 16 random bits: its value is how many of these numbers they reach. Mean and
    variance are off by less than 1e-4."""
    mass = np.cumsum([math.exp(-1.0) / math.factorial(k) for k in range(16)])
    return [edge for edge in np.round(mass * 65_536).astype(int).tolist() if edge < 65_536]


def weighted_sums(
    columns: Sequence[npt.NDArray[np.floating[Any]]], resamples: int, seed: int = 0
) -> Sums:
    """Bootstrap sums [resamples, k + 1] of k columns [n]; the last is the total weight."""
    rng = np.random.Generator(np.random.SFC64(seed))
    n = len(columns[0])
    matrix = np.ones((len(columns) + 1, n), dtype=np.float32)  # filled row by row, without a copy
    for row, column in zip(matrix, columns, strict=False):
        row[:] = column
    sums = np.zeros((resamples, len(matrix)))
    # products this narrow are faster on one thread, tenfold where other programs keep a core busy
    with threadpool_limits(1, "blas"):
        for rows, pairs, weights in bootstrap_weights(n, resamples, rng):
            sums[rows] += weights @ matrix[:, pairs].T
    return sums


@dataclass(frozen=True, slots=True)
class BootstrapDifference:
    """A metric's B − A by resampling pairs: 95 % interval and two-sided p; None where undefined.

    `p` is the percentile bootstrap's: twice the smaller share of draws on either side of zero.
    """

    low: float | None
    high: float | None
    p: float | None


def percentile_interval(draws: FloatArray) -> tuple[float, float]:
    """2.5 and 97.5 % points; draws that are undefined (a class missing in them) do not count."""
    known = draws[np.isfinite(draws)]
    if not known.size:
        return math.nan, math.nan
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


def basic_interval(draws: FloatArray, estimate: float) -> tuple[float, float]:
    """95 % basic (reverse percentile) interval (Davison and Hinkley 1997, §5.2.1).

    Resampling adds to a biased estimate its bias once more; turning the draws' distances from the
    estimate round takes it away instead.
    """
    low, high = percentile_interval(draws)
    return 2.0 * estimate - high, 2.0 * estimate - low


def percentile_p(draws: FloatArray) -> float:
    """Two-sided p: below 0.05 just where the percentile interval excludes zero."""
    known = draws[np.isfinite(draws)]
    if not known.size:
        return math.nan
    tail = min(float((known <= 0.0).mean()), float((known >= 0.0).mean()))
    return min(1.0, 2.0 * tail)


Draws = Callable[[Sums], FloatArray]


@dataclass(frozen=True, slots=True)
class _Metric:
    """How draws [resamples] of one difference come of the column sums.

    `estimate`: the difference itself, given for metrics whose bias the interval corrects.
    """

    draws: Draws
    estimate: float | None = None


class _Columns:
    """Columns [n] that are summed with every draw of weights; the last sum is the total weight."""

    def __init__(self) -> None:
        self.stacked: list[npt.NDArray[np.float32]] = []

    def add(self, *columns: FloatArray | BoolArray) -> slice:
        """Appends columns [n]; where their sums are."""
        start = len(self.stacked)
        self.stacked += [column.astype(np.float32) for column in columns]
        return slice(start, len(self.stacked))

    def mean(self, values: FloatArray) -> Draws:
        place = self.add(values).start
        return lambda sums: sums[:, place] / sums[:, -1]


def bootstrap_differences(
    a: Outputs,
    others: Sequence[Outputs],
    resamples: int,
    seed: int = 0,
    placed: Sequence[Sequence[Placements | None]] | None = None,
) -> list[dict[str, BootstrapDifference]]:
    """For each of `others` its differences from `a`, for every metric that both define.

    All are of the same pairs in the same order. Fewer than two pairs have no spread to resample.
    `placed`: the `class_placements` of `a` and of each of the others, where they are known.
    """
    if a.n < 2:
        return [{} for _ in others]
    columns = _Columns()
    placed = placed or [class_placements(each) for each in (a, *others)]
    metrics = _metrics(columns, a, others, placed)
    if not columns.stacked:
        return [{} for _ in others]
    sums = weighted_sums(columns.stacked, resamples, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        return [{name: _summary(m, sums) for name, m in each.items()} for each in metrics]


def _summary(metric: _Metric, sums: Sums) -> BootstrapDifference:
    draws = metric.draws(sums)
    low, high = percentile_interval(draws)
    if metric.estimate is not None:
        low, high = basic_interval(draws, metric.estimate)
    if math.isnan(low):
        return BootstrapDifference(None, None, None)
    return BootstrapDifference(low, high, percentile_p(draws))


def _metrics(
    columns: _Columns,
    a: Outputs,
    others: Sequence[Outputs],
    placed: Sequence[Sequence[Placements | None]],
) -> list[dict[str, _Metric]]:
    """Adds every column needed, those of `a` and of the classes once for all the others."""
    if a.log_p is None or all(each.log_p is None for each in others):
        return [{} for _ in others]
    classes = _Classes(columns, positives(a), placed[0])
    nll, brier, gaps = nll_each(a), brier_each(a), columns.add(*_gaps_by_bin(a))
    ece = expected_calibration_error(a)
    metrics_of_each: list[dict[str, _Metric]] = []
    for b, of_b in zip(others, placed[1:], strict=True):
        if b.log_p is None:
            metrics_of_each.append({})
            continue
        metrics = {name: _Metric(draws) for name, draws in classes.auc_differences(of_b).items()}
        metrics["nll"] = _Metric(columns.mean(nll_each(b) - nll))
        metrics["brier"] = _Metric(columns.mean(brier_each(b) - brier))
        both = (gaps, columns.add(*_gaps_by_bin(b)))
        metrics["ece"] = _Metric(_ece_draws(*both), expected_calibration_error(b) - ece)
        metrics_of_each.append(metrics)
    return metrics_of_each


def _gaps_by_bin(outputs: Outputs) -> list[FloatArray]:
    """Right less confidence [n] in each bin that holds pairs, 0 for the pairs of other bins."""
    confidence = outputs.confidence
    assert confidence is not None
    gaps, bins = outputs.correct - confidence, bin_index(confidence)
    filled = np.flatnonzero(np.bincount(bins, minlength=BINS))
    return [np.where(bins == number, gaps, 0.0) for number in filled]


def _ece_draws(a: slice, b: slice) -> Draws:
    def draws(sums: Sums) -> FloatArray:
        of_a, of_b = (np.abs(sums[:, each]).sum(axis=1) for each in (a, b))
        return np.asarray((of_b - of_a) / sums[:, -1])

    return draws


class _Classes:
    """One-vs-rest AUC of every class: who is positive is the same for all runs."""

    def __init__(
        self,
        columns: _Columns,
        positive: Sequence[BoolArray],
        of_a: Sequence[Placements | None],
    ) -> None:
        self._columns, self._positive, self._of_a = columns, positive, of_a
        self._places = [columns.add(mask).start for mask in positive]

    def auc_differences(self, of_b: Sequence[Placements | None]) -> dict[str, Draws]:
        """`of_b`: the run's `class_placements`."""
        each = [self._difference(k, placed) for k, placed in enumerate(of_b)]
        known = [draws for draws in each if draws is not None]
        differences: dict[str, Draws] = {}
        if len(known) == len(each):
            differences["roc_auc_macro"] = lambda sums: np.mean(
                [draws(sums) for draws in known], axis=0
            )
        neutral = each[NEUTRAL] if len(each) > NEUTRAL else None
        if neutral is not None:
            differences["roc_auc_neutral"] = neutral
        return differences

    def _difference(self, k: int, of_b: Placements | None) -> Draws | None:
        """Mean over positives plus mean over negatives less the estimate."""
        of_a, positive = self._of_a[k], self._positive[k]
        if of_a is None or of_b is None:
            return None
        gains = np.zeros((2, positive.size))
        for side, mask in enumerate((positive, ~positive)):
            gains[side, mask] = of_b[side] - of_a[side]
        place, count = self._columns.add(*gains).start, self._places[k]
        estimate = float((of_b[0] - of_a[0]).mean())

        def draws(sums: Sums) -> FloatArray:
            positives = sums[:, count]
            gain = sums[:, place] / positives + sums[:, place + 1] / (sums[:, -1] - positives)
            return np.asarray(gain - estimate)

        return draws
