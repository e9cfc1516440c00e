"""Fig. 10, reliability diagrams and risk–coverage curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nliexplorer.analysis.calibration import Bin, Calibration, PublishedFig10
from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.analysis.regression import Line
from nliexplorer.view.figures_errors import count_strip
from nliexplorer.view.figures_style import (
    INK,
    MUTED,
    RUN_LINES,
    RUN_MARKS,
    dress,
    figure,
    label,
    legend,
    note,
    run_colour,
)
from nliexplorer.view.metric_text import figure as metric_figure


def confidence_figure(runs: Sequence[tuple[str, Calibration]]) -> Figure:
    """Fig. 10 on softmax probabilities: accuracy by confidence, the line and its R², n below."""
    made = figure(*_size(len(runs)), "Fig. 10 · Accuracy by confidence (softmax probabilities)")
    for index, (top, below) in enumerate(_panels(made, len(runs))):
        name, calibration = runs[index]
        _points(top, calibration.bins, calibration.line, index, midpoints=False)
        top.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=":", label="perfectly calibrated")
        _finish(top, below, calibration.bins, name, "confidence: largest softmax probability")
    note(
        made,
        "bars: 95 % Wilson intervals · the line weights every filled bin equally, as in the paper",
    )
    return made


def published_confidence_figure(runs: Sequence[tuple[str, PublishedFig10]]) -> Figure:
    """Fig. 10 as the published code drew it, on raw top logits, with the reason not to trust it."""
    made = figure(*_size(len(runs)), "Fig. 10 as published · accuracy by raw top logit")
    for index, (top, below) in enumerate(_panels(made, len(runs))):
        name, calibration = runs[index]
        _points(top, calibration.bins, calibration.line, index, midpoints=True)
        used = f"{name} · {calibration.n_used:,} of {calibration.n:,} pairs"
        _finish(top, below, calibration.bins, used, "largest raw logit, taken for a probability")
    counts = " and ".join(f"{calibration.n_used:,} of {calibration.n:,}" for _, calibration in runs)
    note(
        made,
        f"⚠ raw logits are not probabilities: only the {counts} pairs whose top logit lies in "
        "[0, 1] count; this does not measure calibration",
        warning=True,
    )
    return made


def reliability_figure(runs: Sequence[tuple[str, Calibration]]) -> Figure:
    """Reliability diagrams: accuracy of each bin as a bar, the gap to its confidence hatched."""
    made = figure(*_size(len(runs)), "Reliability")
    for index, (top, below) in enumerate(_panels(made, len(runs))):
        name, calibration = runs[index]
        filled = [b for b in calibration.bins if b.n]
        centre = np.array([(b.low + b.high) / 2 for b in filled])
        accuracy = np.array([b.accuracy for b in filled], dtype=np.float64)
        confidence = np.array([b.confidence for b in filled], dtype=np.float64)
        width = 0.094
        top.bar(
            centre, accuracy, width=width, color=run_colour(index), alpha=0.45, label="accuracy"
        )
        top.bar(
            centre,
            confidence - accuracy,
            bottom=accuracy,
            width=width,
            facecolor="none",
            edgecolor="#b35c05",
            hatch="////",
            lw=0.8,
            label="gap to confidence",
        )
        top.errorbar(
            centre, accuracy, yerr=_errors(filled), fmt="none", ecolor=INK, lw=1, capsize=2
        )
        top.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=":")
        _finish(top, below, calibration.bins, name, "confidence: largest softmax probability")
        top.text(
            0.03,
            0.72,
            _summary(calibration),
            transform=top.transAxes,
            fontsize=8,
            color=INK,
            va="top",
        )
    note(made, "bars: 95 % Wilson intervals · T fitted on one half, its figures from the other")
    return made


def _summary(calibration: Calibration) -> str:
    ece, nll = spec_of("ece"), spec_of("nll")
    lines = [
        f"ECE {metric_figure(ece, calibration.ece)} %",
        f"MCE {metric_figure(ece, calibration.mce)} %",
        f"NLL {metric_figure(nll, calibration.nll)}",
    ]
    if calibration.temperature is not None:
        after = metric_figure(ece, calibration.ece_after_temperature)
        lines += [f"T {calibration.temperature:.2f}", f"ECE at T {after} %"]
    return "\n".join(lines)


def risk_coverage_figure(runs: Sequence[tuple[str, Calibration]]) -> Figure:
    """Error rate among the pairs a run is surest of, by the share of pairs kept."""
    made = figure(6.2, 4.2, "Risk and coverage")
    axes = made.add_subplot()
    for index, (name, calibration) in enumerate(runs):
        curve = calibration.risk.thinned(600)
        axes.plot(
            curve["coverage"],
            curve["risk"],
            color=run_colour(index),
            ls=RUN_LINES[index % 2],
            lw=1.9,
            label=label(f"{name} · AURC {calibration.risk.aurc:.4f}"),
        )
    dress(axes, "", "coverage: share of pairs kept, surest first", "error rate among them", "both")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    legend(axes, loc="upper left")
    note(made, "lower is better; at the right end stands the error rate over all pairs")
    return made


def _size(runs: int) -> tuple[float, float]:
    return 1.0 + 4.7 * runs, 5.0


def _panels(made: Figure, runs: int) -> list[tuple[Any, Any]]:
    grid = made.add_gridspec(2, runs, height_ratios=(4, 1))
    return [
        (made.add_subplot(grid[0, column]), made.add_subplot(grid[1, column]))
        for column in range(runs)
    ]


def _points(
    axes: Any, bins: Sequence[Bin], line: Line | None, index: int, *, midpoints: bool
) -> None:
    filled = [b for b in bins if b.n]
    at = [(b.low + b.high) / 2 if midpoints else b.confidence for b in filled]
    x = np.array(at, dtype=np.float64)
    y = np.array([b.accuracy for b in filled], dtype=np.float64)
    colour = run_colour(index)
    axes.errorbar(
        x,
        y,
        yerr=_errors(filled),
        fmt=RUN_MARKS[index % 2],
        ms=5.5,
        capsize=2.5,
        lw=1.3,
        color=colour,
        label="accuracy of the bin",
    )
    if line is not None:
        ends = np.array([x.min(), x.max()])
        axes.plot(
            ends,
            line.intercept + line.slope * ends,
            color=colour,
            lw=1.6,
            ls=(0, (5, 2)),
            label=f"least squares, R² = {line.r2:.2f}",
        )


def _errors(filled: Sequence[Bin]) -> Any:
    rows = [
        ((b.accuracy or 0.0) - (b.ci_low or 0.0), (b.ci_high or 0.0) - (b.accuracy or 0.0))
        for b in filled
    ]
    return np.maximum(np.array(rows, dtype=np.float64).reshape(-1, 2).T, 0.0)


def _finish(top: Any, below: Any, bins: Sequence[Bin], title: str, x: str) -> None:
    dress(top, title, "", "accuracy", "both")
    dress(below, "", x, "pairs")
    centre = [(b.low + b.high) / 2 for b in bins]
    count_strip(below, centre, [b.n for b in bins], 0.09)
    below.set_xlabel(x, fontsize=8.5, color=MUTED)
    for axes in (top, below):
        axes.set_xlim(-0.01, 1.01)
        axes.set_xticks(np.arange(0, 1.01, 0.2))
    top.set_ylim(-0.02, 1.04)
    top.set_xticklabels([])
    legend(top, loc="best")
