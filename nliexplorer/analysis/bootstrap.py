"""Paired bootstrap of metric differences: all metrics from one matrix product a chunk.

Every difference here is a smooth function of weighted column sums, so one draw of weights serves
them all: means (accuracy, NLL, Brier) exactly, ECE bin by bin, AUC through its placements (the
first-order expansion behind DeLong's variance, whose error is of order 1/n).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.metrics import BINS, bin_index, brier_each, nll_each
from nliexplorer.analysis.outputs import BoolArray, FloatArray, Outputs
from nliexplorer.analysis.ranking import placements
from nliexplorer.records import ENTAILMENT, LABELS, NEUTRAL

RESAMPLES = 10_000
_DRAWS = 500_000_000  # pairs times resamples; very large runs get fewer resamples, not more time
_PAIRS = 16_384  # in one tile, so that a tile and its columns stay in the cache
_TILE = 500_000  # weights in one tile
_POISSON_FROM = 1_000

Sums = npt.NDArray[np.float64]  # [resamples, columns]


def resamples_for(n: int) -> int:
    """Resamples that n pairs get when the caller names no number."""
    return int(min(RESAMPLES, max(1_000, _DRAWS // max(n, 1))))


def bootstrap_weights(
    n: int, resamples: int, rng: np.random.Generator
) -> Iterator[tuple[slice, slice, npt.NDArray[np.float32]]]:
    """Tiles [rows, pairs] of how often each pair is drawn, each with the rows and pairs it covers.

    Multinomial counts; from 1,000 pairs on independent Poisson(1) counts (Hanley and MacGibbon
    2006), which are much faster to draw and whose statistics, normalised by the total, agree.
    """
    table = _poisson_table()
    width = n if n < _POISSON_FROM else min(n, _PAIRS)
    rows = max(1, _TILE // width)
    for start in range(0, n, width):
        pairs = slice(start, min(start + width, n))
        for row in range(0, resamples, rows):
            shape = (min(rows, resamples - row), pairs.stop - start)
            if n < _POISSON_FROM:
                drawn = rng.multinomial(n, np.full(n, 1.0 / n), size=shape[0]).astype(np.float32)
            else:
                drawn = _poisson(shape, table, rng)
            yield slice(row, row + shape[0]), pairs, drawn


def _poisson(
    shape: tuple[int, int], table: npt.NDArray[np.float32], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    size = shape[0] * shape[1]
    words = rng.integers(0, 2**64, size=-(-size // 4), dtype=np.uint64)  # four numbers to a word
    # mode="clip" skips a bounds check that 16 bits in 65,536 entries do not need
    return np.take(table, words.view(np.uint16)[:size], mode="clip").reshape(shape)


def _poisson_table() -> npt.NDArray[np.float32]:
    """Poisson(1) by table look-up of 16 random bits; mean and variance off by less than 1e-4."""
    mass = np.cumsum([math.exp(-1.0) / math.factorial(k) for k in range(16)])
    edges = np.round(mass * 65_536)
    return np.searchsorted(edges, np.arange(65_536), side="right").astype(np.float32)


def weighted_sums(columns: FloatArray, resamples: int, seed: int = 0) -> Sums:
    """Bootstrap sums [resamples, k] of `columns` [n, k]; the last is the total weight."""
    rng = np.random.Generator(np.random.SFC64(seed))
    ones = np.ones((len(columns), 1))
    matrix = np.concatenate([columns, ones], axis=1).astype(np.float32)
    sums = np.zeros((resamples, matrix.shape[1]))
    for rows, pairs, weights in bootstrap_weights(len(columns), resamples, rng):
        sums[rows] += weights @ matrix[pairs]
    return sums


def mean_interval(values: FloatArray, seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean of `values` [n]."""
    sums = weighted_sums(values[:, None], resamples_for(len(values)), seed)
    return percentile_interval(sums[:, 0] / sums[:, 1])


def percentile_interval(draws: FloatArray) -> tuple[float, float]:
    """2.5 and 97.5 % points; draws that are undefined (a class missing in them) do not count."""
    known = draws[np.isfinite(draws)]
    if not known.size:
        return math.nan, math.nan
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns of one metric, and how their sums and the total weight give its difference."""

    columns: FloatArray  # [n, k]
    difference: Callable[[Sums, FloatArray], FloatArray]


def difference_intervals(
    a: Outputs, b: Outputs, resamples: int, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % paired bootstrap interval of b - a for each metric that both runs define."""
    parts = _parts(a, b)
    stacked = np.concatenate([part.columns for part in parts.values()], axis=1)
    sums = weighted_sums(stacked, resamples, seed)
    total = sums[:, -1]
    found: dict[str, tuple[float, float]] = {}
    at = 0
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, part in parts.items():
            width = part.columns.shape[1]
            found[name] = percentile_interval(part.difference(sums[:, at : at + width], total))
            at += width
    return found


def _parts(a: Outputs, b: Outputs) -> dict[str, _Part]:
    gain = b.correct.astype(np.float64) - a.correct.astype(np.float64)
    parts = {"accuracy": _mean_part(gain)}
    if a.log_p is None or b.log_p is None:
        return parts
    parts |= _auc_parts(a, b)
    parts["nll"] = _mean_part(nll_each(b) - nll_each(a))
    parts["brier"] = _mean_part(brier_each(b) - brier_each(a))
    parts["ece"] = _ece_part(a, b)
    return parts


def _mean_part(difference: FloatArray) -> _Part:
    return _Part(difference[:, None], lambda sums, total: sums[:, 0] / total)


def _ece_part(a: Outputs, b: Outputs) -> _Part:
    def by_bin(given: Outputs) -> FloatArray:
        confidence = given.confidence
        assert confidence is not None
        columns = np.zeros((given.n, BINS))
        columns[np.arange(given.n), bin_index(confidence)] = given.correct - confidence
        return columns

    def difference(sums: Sums, total: FloatArray) -> FloatArray:
        gaps = np.abs(sums)
        return (gaps[:, BINS:].sum(axis=1) - gaps[:, :BINS].sum(axis=1)) / total

    return _Part(np.concatenate([by_bin(a), by_bin(b)], axis=1), difference)


def _auc_parts(a: Outputs, b: Outputs) -> dict[str, _Part]:
    pa, pb = a.p, b.p
    assert pa is not None
    assert pb is not None
    if a.two_label:
        one = _auc_columns(pa[:, 0], pb[:, 0], a.target == ENTAILMENT)
        return {} if one is None else {"roc_auc_macro": _auc_part([one])}
    each = [_auc_columns(pa[:, k], pb[:, k], a.gold == k) for k in range(len(LABELS))]
    known = [columns for columns in each if columns is not None]
    parts: dict[str, _Part] = {}
    if len(known) == len(LABELS):
        parts["roc_auc_macro"] = _auc_part(known)
    neutral = each[NEUTRAL]
    if neutral is not None:
        parts["roc_auc_neutral"] = _auc_part([neutral])
    return parts


def _auc_columns(
    score_a: FloatArray, score_b: FloatArray, positive: BoolArray
) -> FloatArray | None:
    """[n, 4]: placement differences of positives, of negatives; who is positive, negative."""
    of_a, of_b = placements(score_a, positive), placements(score_b, positive)
    if of_a is None or of_b is None:
        return None
    columns = np.zeros((positive.size, 4))
    for side, mask in enumerate((positive, ~positive)):
        columns[mask, side] = of_b[side] - of_a[side]
        columns[mask, 2 + side] = 1.0
    return columns


def _auc_part(columns: list[FloatArray]) -> _Part:
    """Mean AUC difference: mean over positives plus mean over negatives less the estimate."""
    estimate = [float(c[:, 0].sum() / c[:, 2].sum()) for c in columns]

    def difference(sums: Sums, _total: FloatArray) -> FloatArray:
        each = [
            sums[:, 4 * i] / sums[:, 4 * i + 2]
            + sums[:, 4 * i + 1] / sums[:, 4 * i + 3]
            - estimate[i]
            for i in range(len(columns))
        ]
        return np.mean(each, axis=0)

    return _Part(np.concatenate(columns, axis=1), difference)
