"""Comparison of runs on their common pairs: Table 1 with intervals and tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nliexplorer.analysis.bootstrap import (
    BootstrapDifference,
    bootstrap_differences,
    resamples_for,
)
from nliexplorer.analysis.intervals import newcombe_paired
from nliexplorer.analysis.metric_specs import METRICS, spec_of
from nliexplorer.analysis.metrics import class_placements, floored_note, metrics_of
from nliexplorer.analysis.outputs import BoolArray, Outputs
from nliexplorer.analysis.verdict import FEW_PAIRS, UNDECIDED, few_pairs, verdict
from nliexplorer.errors import NliError
from nliexplorer.records import Metrics


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """One line of Table 1; `delta` = b - a, None where either is undefined.

    Accuracy has Newcombe's paired score interval and McNemar's exact p, the others a paired
    bootstrap's. `verdict`: 1 B is better, -1 worse, 0 undecided (see `analysis.verdict`).
    """

    name: str
    a: float | None
    b: float | None
    delta: float | None
    ci_low: float | None = None  # 95 %, of delta
    ci_high: float | None = None
    p: float | None = None  # two-sided
    verdict: int = UNDECIDED

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
    notes: tuple[str, ...] = ()  # sentences on what the figures do not show

    def metric(self, name: str) -> MetricDifference:
        return next(m for m in self.metrics if m.name == name)

    @property
    def left_out(self) -> str:
        """A sentence on pairs that only one run predicted; empty where there are none."""
        return left_out_sentence(self.n, (self.a, self.b), (self.left_out_a, self.left_out_b))

    def as_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        metrics = [m.as_dict() for m in self.metrics]
        return plain | {"metrics": metrics, "notes": list(self.notes)}


def left_out_sentence(n: int, names: Sequence[str], left_out: Sequence[int]) -> str:
    """What is not compared, as not every run has an answer; empty where every pair is."""
    if not any(left_out):
        return ""
    others = "the other run" if len(names) == 2 else "every other run"
    counts = ", ".join(f"{k:,} of {name}" for k, name in zip(left_out, names, strict=True))
    return f"{n:,} pairs compared; left out, not answered by {others}: {counts}"


#: Two values of a metric that no pair has on its own, such as {"eval_seconds": (1.9, 2.0)}.
Seconds = Mapping[str, tuple[float | None, float | None]]


def compare_to_first(
    runs: Sequence[Outputs],
    *,
    names: Sequence[str],
    split: str = "dev",
    left_out: Sequence[int] = (),
    seconds: Sequence[Seconds] = (),
    resamples: int | None = None,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Each later run against the first, all on the same pairs and the same resamples.

    `left_out` has one number per run, `seconds` one entry per comparison. Many runs of many pairs
    get fewer resamples, not more time.
    """
    a, others = runs[0], runs[1:]
    draws = resamples or resamples_for(a.n * max(len(others), 1))
    for b in others:
        _check_same_pairs(a, b)
    placed = [class_placements(each) for each in runs]
    intervals = bootstrap_differences(a, others, draws, seed, placed)
    of_each = [metrics_of(each, placed=known) for each, known in zip(runs, placed, strict=True)]
    missing = left_out or [0] * len(runs)
    timed = seconds or [{}] * len(others)
    return tuple(
        _comparison(
            a,
            b,
            (of_each[0], of_each[i + 1]),
            intervals[i],
            (names[0], names[i + 1]),
            split,
            (missing[0], missing[i + 1]),
            timed[i],
            draws,
        )
        for i, b in enumerate(others)
    )


def _check_same_pairs(a: Outputs, b: Outputs) -> None:
    if a.n != b.n or not np.array_equal(a.gold, b.gold):
        raise NliError("the two runs have different gold labels", "compare runs on the same pairs")


def _comparison(
    a: Outputs,
    b: Outputs,
    metrics: tuple[Metrics, Metrics],
    intervals: Mapping[str, BootstrapDifference],
    names: tuple[str, str],
    split: str,
    left_out: tuple[int, int],
    seconds: Seconds,
    resamples: int,
) -> Comparison:
    of_a, of_b = (each.as_dict() for each in metrics)
    both_wrong, only_b, only_a, both_right = _cells(a.correct, b.correct)
    p = mcnemar_exact(only_b, only_a)
    differing = _differing_pairs(a, b)
    rows = [_accuracy_row(both_right, only_a, only_b, both_wrong, p)]
    rows += [
        _bootstrap_row(name, of_a[name], of_b[name], intervals.get(name), differing)
        for name in METRICS
        if name != "accuracy"
    ]
    rows += [
        MetricDifference(name, x, y, None if x is None or y is None else y - x)
        for name, (x, y) in seconds.items()
    ]
    notes = (few_pairs(a.n), floored_note(a, names[0]), floored_note(b, names[1]))
    return Comparison(
        a=names[0],
        b=names[1],
        split=split,
        n=a.n,
        fixed=only_b,
        broken=only_a,
        both_right=both_right,
        both_wrong=both_wrong,
        mcnemar_p=p,
        metrics=tuple(rows),
        left_out_a=left_out[0],
        left_out_b=left_out[1],
        resamples=resamples,
        notes=tuple(dict.fromkeys(filter(None, notes))),
    )


def _cells(a: BoolArray, b: BoolArray) -> tuple[int, int, int, int]:
    """Counts of both wrong, right in b alone, right in a alone, both right."""
    counts = np.bincount(2 * a.astype(np.int64) + b, minlength=4).tolist()
    return counts[0], counts[1], counts[2], counts[3]


def _differing_pairs(a: Outputs, b: Outputs) -> int:
    """Pairs to which the two give different probabilities: only these matter to resampling."""
    if a.log_p is None or b.log_p is None:
        return 0
    return int((a.log_p != b.log_p).any(axis=1).sum())


def _accuracy_row(both: int, only_a: int, only_b: int, neither: int, p: float) -> MetricDifference:
    n = both + only_a + only_b + neither
    low, high = newcombe_paired(both, only_a, only_b, neither)
    return MetricDifference(
        "accuracy",
        (both + only_a) / n,
        (both + only_b) / n,
        (only_b - only_a) / n,
        low,
        high,
        p,
        verdict(low, high, p=p),
    )


def _bootstrap_row(
    name: str,
    a: float | None,
    b: float | None,
    interval: BootstrapDifference | None,
    differing: int,
) -> MetricDifference:
    if a is None or b is None:
        return MetricDifference(name, a, b, None)
    if interval is None or interval.low is None:
        return MetricDifference(name, a, b, b - a)
    decided = UNDECIDED
    if differing >= FEW_PAIRS:
        lower = spec_of(name).lower_is_better
        decided = verdict(interval.low, interval.high, lower_is_better=lower, p=interval.p)
    return MetricDifference(name, a, b, b - a, interval.low, interval.high, interval.p, decided)


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
