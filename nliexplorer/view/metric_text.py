"""Metrics as text: units, decimals and signs from their one table, colours from the one verdict."""

from __future__ import annotations

from rich.style import Style

from nliexplorer.analysis.metric_specs import MetricSpec
from nliexplorer.analysis.verdict import BETTER, WORSE
from nliexplorer.records import Metrics
from nliexplorer.view.palette import Palette, signed

UNKNOWN = "–"


def figure(spec: MetricSpec, value: float | None, *, over_seeds: bool = False) -> str:
    """A value in the metric's unit, or a dash where it is not defined."""
    if value is None:
        return UNKNOWN
    return f"{value * spec.factor:,.{_digits(spec, over_seeds)}f}"


def mean_figure(spec: MetricSpec, mean: float, half: float | None) -> str:
    """`93.3 ±1.3`: a mean and half of its interval; one seed has none."""
    spread = "" if half is None else f" ±{figure(spec, half, over_seeds=True)}"
    return figure(spec, mean, over_seeds=True) + spread


def change(spec: MetricSpec, value: float | None, *, over_seeds: bool = False) -> str:
    """A difference in the metric's unit, with its sign."""
    return UNKNOWN if value is None else signed(value * spec.factor, _digits(spec, over_seeds))


def interval(
    spec: MetricSpec, low: float | None, high: float | None, *, over_seeds: bool = False
) -> str:
    """`−0.42 … +1.31`, or a dash where there is none."""
    if low is None or high is None:
        return UNKNOWN
    return " … ".join(change(spec, end, over_seeds=over_seeds) for end in (low, high))


def missing_text(metrics: Metrics) -> str:
    """`9 of 60 pairs without an answer, 5 unlabelled`; "" where every pair has both."""
    parts = []
    if metrics.unanswered:
        parts.append(f"{metrics.unanswered:,} of {metrics.n:,} pairs without an answer")
    if metrics.unlabelled:
        of = "" if parts else f" of {metrics.n:,} pairs"
        parts.append(f"{metrics.unlabelled:,}{of} unlabelled")
    return ", ".join(parts)


def _digits(spec: MetricSpec, over_seeds: bool) -> int:
    """Means over seeds vary by far more than a last decimal shows."""
    return max(spec.digits - over_seeds, 0)


def verdict_style(verdict: int, palette: Palette) -> Style:
    """The colour of better and of worse; none where nothing is decided."""
    return {BETTER: palette.right, WORSE: palette.wrong}.get(verdict, Style())


def verdict_words(verdict: int, run: str = "B", *, short: bool = False) -> str:
    """`B better`, `A better`, or `open` where nothing is decided; `short`: without `better`."""
    words = {BETTER: f"{run} better", WORSE: "A better"}.get(verdict, "open")
    return words.partition(" ")[0] if short else words
