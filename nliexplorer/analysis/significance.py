"""Is B better than A? Table 1 with intervals and tests, on the pairs that both predicted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nliexplorer.analysis.bootstrap import difference_intervals, resamples_for
from nliexplorer.analysis.metrics import metrics_of
from nliexplorer.analysis.outputs import BoolArray, IntArray, Outputs
from nliexplorer.errors import NliError

METRICS = ("accuracy", "roc_auc_macro", "roc_auc_neutral", "nll", "brier", "ece")
LOWER_IS_BETTER = frozenset({"nll", "brier", "ece", "train_seconds", "eval_seconds"})


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """One line of Table 1; `delta` = b - a, None where either is undefined."""

    name: str
    a: float | None
    b: float | None
    delta: float | None
    ci_low: float | None = None  # 95 % paired bootstrap of delta
    ci_high: float | None = None

    def as_dict(self) -> dict[str, float | str | None]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The `compare` document. `fixed`: wrong in a, right in b; `left_out_*`: pairs only one has."""

    a: str
    b: str
    split: str
    n: int
    fixed: int
    broken: int
    both_right: int
    both_wrong: int
    mcnemar_p: float
    metrics: tuple[MetricDifference, ...]
    left_out_a: int = 0
    left_out_b: int = 0
    resamples: int = 0

    def metric(self, name: str) -> MetricDifference:
        return next(m for m in self.metrics if m.name == name)

    @property
    def left_out(self) -> str:
        """A sentence on pairs that only one run predicted; empty where there are none."""
        if not (self.left_out_a or self.left_out_b):
            return ""
        return (
            f"{self.n:,} pairs compared; left out, predicted by one run alone: "
            f"{self.left_out_a:,} of {self.a}, {self.left_out_b:,} of {self.b}"
        )

    def as_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {"metrics": [m.as_dict() for m in self.metrics]}


def compare(
    a: Outputs,
    b: Outputs,
    *,
    names: tuple[str, str] = ("a", "b"),
    split: str = "dev",
    left_out: tuple[int, int] = (0, 0),
    seconds: Mapping[str, tuple[float | None, float | None]] | None = None,
    resamples: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Compares two runs on the same pairs in the same order (see common_pairs).

    `seconds` adds lines without interval, such as {"eval_seconds": (1.9, 2.0)}.
    """
    if a.n != b.n or not np.array_equal(a.gold, b.gold):
        raise NliError("the two runs have different gold labels", "compare runs on the same pairs")
    draws = resamples or resamples_for(a.n)
    intervals = difference_intervals(a, b, draws, seed)
    of_a, of_b = metrics_of(a).as_dict(), metrics_of(b).as_dict()
    rows = [_row(name, of_a[name], of_b[name], intervals.get(name)) for name in METRICS]
    rows += [_row(name, *pair, None) for name, pair in (seconds or {}).items()]
    fixed = int((~a.correct & b.correct).sum())
    broken = int((a.correct & ~b.correct).sum())
    return Comparison(
        a=names[0],
        b=names[1],
        split=split,
        n=a.n,
        fixed=fixed,
        broken=broken,
        both_right=int((a.correct & b.correct).sum()),
        both_wrong=int((~a.correct & ~b.correct).sum()),
        mcnemar_p=mcnemar_exact(fixed, broken),
        metrics=tuple(rows),
        left_out_a=left_out[0],
        left_out_b=left_out[1],
        resamples=draws,
    )


def _row(
    name: str, a: float | None, b: float | None, interval: tuple[float, float] | None
) -> MetricDifference:
    if a is None or b is None:
        return MetricDifference(name, a, b, None)
    if interval is None or math.isnan(interval[0]):
        return MetricDifference(name, a, b, b - a)
    return MetricDifference(name, a, b, b - a, *interval)


def mcnemar_exact(fixed: int, broken: int) -> float:
    """Exact two-sided McNemar p: the binomial test of `fixed` in `fixed + broken` at one half.

    In closed form, since importing scipy.stats takes longer than the whole comparison.
    """
    n, k = fixed + broken, min(fixed, broken)
    if fixed == broken:
        return 1.0
    steps = np.arange(1, k + 1)
    log_choose = np.concatenate([[0.0], np.cumsum(np.log((n - steps + 1) / steps))])
    tail = np.exp(log_choose - n * math.log(2.0)).sum()
    return float(min(1.0, 2.0 * tail))


def common_pairs(ids_a: Sequence[str], ids_b: Sequence[str]) -> tuple[IntArray, IntArray]:
    """Positions in a and in b of the pairs both have, in a's order; NliError if there are none."""
    left, right = np.asarray(ids_a), np.asarray(ids_b)
    if left.shape == right.shape and bool((left == right).all()):
        return np.arange(left.size), np.arange(left.size)
    _, in_a, in_b = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    if not in_a.size:
        raise NliError(
            "the two runs have no pair in common", "evaluate both on the same data and split"
        )
    order = np.argsort(in_a)
    return in_a[order].astype(np.int64), in_b[order].astype(np.int64)


def outcome(a_correct: BoolArray, b_correct: BoolArray) -> list[str]:
    """[n] of fixed, broken, both right, both wrong."""
    names = np.array([["both wrong", "fixed"], ["broken", "both right"]])
    chosen: list[str] = names[a_correct.astype(int), b_correct.astype(int)].tolist()
    return chosen
