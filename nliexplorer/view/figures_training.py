"""Fig. 1, and the dataset map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nliexplorer.analysis.dynamics import DatasetMap
from nliexplorer.records import Metrics, StepRecord
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
from nliexplorer.view.plot import smoothed

_MAP_POINTS = 20_000
_CURVE_POINTS = 4_000


@dataclass(frozen=True, slots=True)
class TrainingCurve:
    """One run's updates, and its evaluations as (step, metrics)."""

    name: str
    steps: Sequence[StepRecord]
    evaluations: Sequence[tuple[int, Metrics]] = ()
    penalty_limit: float | None = None  # lambda: the most the penalty can be


def training_figure(curves: Sequence[TrainingCurve], window: int | None = None) -> Figure:
    """Fig. 1: total loss, then its parts apart, raw and as a running mean, and the dev metrics.

    `window`: updates in the mean; by default a fiftieth of the run.
    """
    made = figure(10.5, 6.2, "Fig. 1 · Training loss and its parts")
    grid = made.add_gridspec(2, 6)
    total, dev = made.add_subplot(grid[0, :4]), made.add_subplot(grid[0, 4:])
    parts = [made.add_subplot(grid[1, 2 * i : 2 * i + 2]) for i in range(3)]
    _loss_panel(total, curves, "total", window)
    dress(total, "Total loss", "update", "nats")
    legend(total, loc="upper right")
    _dev_panel(dev, curves)
    _loss_panel(parts[0], curves, "ce", window)
    dress(parts[0], "Cross-entropy", "update", "nats")
    _loss_panel(parts[1], curves, "penalty", window)
    dress(parts[1], "Penalty, λ · tanh(α · V)", "update", "")
    for index, curve in enumerate(curves):
        if curve.penalty_limit and _known(curve, "penalty")[0].size:
            parts[1].set_ylim(0, max(parts[1].get_ylim()[1], curve.penalty_limit * 1.12))
            parts[1].axhline(curve.penalty_limit, color=run_colour(index), lw=1, ls=":")
            parts[1].annotate(
                f"λ = {curve.penalty_limit:g}, its limit",
                (0.98, curve.penalty_limit),
                xycoords=("axes fraction", "data"),
                xytext=(0, 2),
                textcoords="offset points",
                ha="right",
                va="bottom",
                fontsize=7.5,
                color=MUTED,
            )
    _loss_panel(parts[2], curves, "saturation", window)
    dress(parts[2], "Saturation, tanh(α · V)", "update", "")
    parts[2].set_ylim(0, 1.02)
    for panel in parts[1:]:
        if not panel.lines:
            _say(panel, "no penalty in these runs")
    note(made, "faint: each update · strong: running mean · near 1, saturation leaves no gradient")
    return made


def _known(curve: TrainingCurve, name: str) -> tuple[Any, Any]:
    pairs = [(s.step, getattr(s, name)) for s in curve.steps if getattr(s, name) is not None]
    data = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return data[:, 0], data[:, 1]


def _loss_panel(axes: Any, curves: Sequence[TrainingCurve], name: str, window: int | None) -> None:
    top = 0.0
    for index, curve in enumerate(curves):
        steps, values = _known(curve, name)
        if not steps.size:
            continue
        mean = np.array(smoothed(values.tolist(), window or max(3, len(values) // 50)))
        thin = slice(None, None, -(-len(values) // _CURVE_POINTS))
        steps, values, mean = steps[thin], values[thin], mean[thin]
        colour, line = run_colour(index), RUN_LINES[index % 2]
        axes.plot(steps, values, color=colour, alpha=0.22, lw=0.7)
        axes.plot(steps, mean, color=colour, lw=1.9, ls=line, label=label(curve.name))
        top = max(top, float(np.nanquantile(values, 0.998)), float(np.nanmax(mean)))
    if top > 0:
        axes.set_ylim(0, top * 1.08)  # a lone spike of one batch does not flatten the rest


def _dev_panel(axes: Any, curves: Sequence[TrainingCurve]) -> None:
    for index, curve in enumerate(curves):
        points = [(step, metrics.accuracy) for step, metrics in curve.evaluations]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                color=run_colour(index),
                marker=RUN_MARKS[index % 2],
                ls=RUN_LINES[index % 2],
                ms=5,
                lw=1.6,
                label=label(curve.name),
            )
    dress(axes, "Dev accuracy", "update", "")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    if not axes.lines:
        _say(axes, "no evaluation during training")


def _say(axes: Any, text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", color=MUTED, fontsize=8.5)
    axes.set_xticks([])
    axes.set_yticks([])


def dataset_map_figure(data: DatasetMap, name: str) -> Figure:
    """Variability against confidence, one point a training pair (at most 20,000 drawn)."""
    made = figure(6.6, 5.4, f"Dataset map · {name}")
    axes = made.add_subplot()
    n = data.confidence.size
    shown = np.arange(n)
    if n > _MAP_POINTS:
        shown = np.random.default_rng(0).choice(n, _MAP_POINTS, replace=False)
    points = axes.scatter(
        data.variability[shown],
        data.confidence[shown],
        c=data.correctness[shown],
        cmap="cividis",
        vmin=0,
        vmax=1,
        s=9,
        alpha=0.6,
        linewidths=0,
        rasterized=True,
    )
    bar = made.colorbar(points, ax=axes, pad=0.02, aspect=30)
    bar.set_label("correctness: share of epochs predicted right", fontsize=8.5, color=MUTED)
    bar.ax.tick_params(labelsize=8, colors=MUTED)
    bar.outline.set_visible(False)
    dress(
        axes, "", "variability: standard deviation of P(gold)", "confidence: mean P(gold)", "both"
    )
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlim(left=-0.01)
    for text, y, va in (("easy to learn", 0.97, "top"), ("hard to learn", 0.03, "bottom")):
        _tag(axes, 0.02, y, text, "left", va)
    _tag(axes, 0.98, 0.5, "ambiguous", "right", "center")
    never = int(data.never_learned.sum())
    drawn = f"{shown.size:,} of {n:,} pairs drawn" if n > shown.size else f"{n:,} pairs"
    note(made, f"{drawn} · {data.epochs} epochs · {never:,} never predicted right")
    return made


def _tag(axes: Any, x: float, y: float, text: str, ha: str, va: str) -> None:
    box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 2}
    axes.text(x, y, text, transform=axes.transAxes, ha=ha, va=va, fontsize=8.5, color=INK, bbox=box)
