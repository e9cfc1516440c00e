"""Comparison of two groups of runs over several seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.intervals import mean_t_interval
from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.analysis.outputs import FloatArray
from nliexplorer.analysis.verdict import BETTER, UNDECIDED, verdict
from nliexplorer.errors import NliError


@dataclass(frozen=True, slots=True)
class SeedDifference:
    """One metric over seeds. Half-widths are of 95 % t-intervals, None with one seed.

    Interval and p of the difference are None too where every seed moved by the same amount: a
    t-test would call any such difference certain, and few pairs allow few amounts.

    `paired`: both groups have the same seeds, and the test is the paired t-test; else Welch's.
    """

    name: str
    a_mean: float
    a_half: float | None
    b_mean: float
    b_half: float | None
    delta: float
    ci_low: float | None
    ci_high: float | None
    p: float | None
    paired: bool
    seeds_a: int
    seeds_b: int

    @property
    def verdict(self) -> int:
        """1 where B is better, -1 worse, 0 where seeds explain the difference."""
        lower = spec_of(self.name).lower_is_better
        return verdict(self.ci_low, self.ci_high, lower_is_better=lower, p=self.p)

    @property
    def sentence(self) -> str:
        """Plain words, in the metric's unit: which group is better, or that seeds explain it."""
        spec = spec_of(self.name)
        unit = {"%": " points", "": ""}.get(spec.unit, f" {spec.unit}")

        def shown(value: float, sign: str = "+") -> str:
            return f"{value * spec.factor:{sign}.{spec.digits}f}".replace("-", "−")

        counts = (
            f"{self.seeds_a} seeds" if self.paired else f"{self.seeds_a} and {self.seeds_b} seeds"
        )
        if self.p is None or self.ci_low is None or self.ci_high is None:
            if min(self.seeds_a, self.seeds_b) > 1:
                return (
                    f"{spec.label}, {counts}: {shown(self.delta)}{unit} in every one, no spread to "
                    "judge it by; train more seeds"
                )
            return (
                f"{spec.label}: one seed proves nothing (difference {shown(self.delta)}{unit}); "
                "train at least two seeds of each"
            )
        evidence = (
            f"{spec.label}, {counts}: {shown(self.delta)}{unit}, 95 % interval "
            f"{shown(self.ci_low)} to {shown(self.ci_high)}, p = {self.p:.3g}"
        )
        if self.verdict == UNDECIDED:
            return f"no difference that seeds don't explain ({evidence})"
        better = "B" if self.verdict == BETTER else "A"
        half = (self.ci_high - self.ci_low) / 2.0
        amount = f"{shown(abs(self.delta), '')} ± {shown(half, '')}{unit}"
        return f"{better} is better by {amount} ({evidence})"

    def as_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {"verdict": self.verdict, "sentence": self.sentence}


def compare_groups(
    values: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    seeds: tuple[Sequence[int], Sequence[int]],
) -> tuple[SeedDifference, ...]:
    """Each metric's values over the runs of a and of b; `seeds` are those runs' seeds.

    Paired where both groups have the same distinct seeds, whatever their order.
    """
    for metric, (in_a, in_b) in values.items():
        if not len(in_a) or not len(in_b):
            raise NliError(
                f"a group has no run with {metric}", "name at least one run on each side"
            )
    paired = sorted(seeds[0]) == sorted(seeds[1]) and len(set(seeds[0])) == len(seeds[0])
    order_a, order_b = (np.argsort(s) if paired else np.arange(len(s)) for s in seeds)
    return tuple(
        _difference(name, np.asarray(a)[order_a], np.asarray(b)[order_b], paired)
        for name, (a, b) in values.items()
    )


def _difference(name: str, a: FloatArray, b: FloatArray, paired: bool) -> SeedDifference:
    low = high = p = None
    delta = float(b.mean() - a.mean())
    if min(a.size, b.size) >= 2:
        centre, error, freedom = _paired(a, b) if paired else _welch(a, b)
        low, high, p = _t_test(centre, error, freedom)
    a_mean, a_half = mean_t_interval(a.tolist())
    b_mean, b_half = mean_t_interval(b.tolist())
    return SeedDifference(
        name, a_mean, a_half, b_mean, b_half, delta, low, high, p, paired, a.size, b.size
    )


def _paired(a: FloatArray, b: FloatArray) -> tuple[float, float, float]:
    gain = b - a
    return float(gain.mean()), float(gain.std(ddof=1)) / math.sqrt(gain.size), gain.size - 1.0


def _welch(a: FloatArray, b: FloatArray) -> tuple[float, float, float]:
    va, vb = float(a.var(ddof=1)) / a.size, float(b.var(ddof=1)) / b.size
    total = va + vb
    spread = va**2 / (a.size - 1) + vb**2 / (b.size - 1)
    freedom = total**2 / spread if spread > 0 else float(a.size + b.size - 2)
    return float(b.mean() - a.mean()), math.sqrt(total), freedom


def _t_test(
    centre: float, error: float, freedom: float
) -> tuple[float | None, float | None, float | None]:
    """95 % interval of the difference and the two-sided p."""
    from scipy.special import stdtr, stdtrit

    if error <= 1e-12 * abs(centre):  # up to rounding, every seed moved by the same amount
        return (None, None, None) if centre else (0.0, 0.0, 1.0)
    half = float(stdtrit(freedom, 0.975)) * error
    return centre - half, centre + half, float(2.0 * stdtr(freedom, -abs(centre) / error))


def benjamini_hochberg(p: npt.ArrayLike) -> FloatArray:
    """Adjusted p values [k] that control the false discovery rate over all k tests (Benjamini and
    Hochberg 1995).

    Written out, since importing scipy.stats takes longer than slicing ten thousand pairs.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values)[::-1]  # largest first
    ranks = np.arange(values.size, 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum.accumulate(values[order] * values.size / ranks)
    return np.minimum(adjusted, 1.0)
