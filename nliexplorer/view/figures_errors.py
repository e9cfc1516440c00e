"""Figs 8 and 9: where the errors are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nliexplorer.analysis.metrics import Confusion
from nliexplorer.analysis.slices import Slice
from nliexplorer.view.figures_style import (
    MUTED,
    RUN_MARKS,
    diverging,
    dress,
    figure,
    ink_on,
    label,
    legend_above,
    note,
    run_colour,
    sequential,
)

Runs = Sequence[tuple[str, Sequence[Slice]]]  # name and slices of one key, the same for all


def length_figure(equal_width: Runs, equal_count: Runs) -> Figure:
    """Fig. 8: error rate by length in words, Wilson intervals and n; the paper's bins and ours."""
    made = figure(11.0, 4.6, "Fig. 8 · Error rate by length of premise and hypothesis", named=True)
    grid = made.add_gridspec(2, 2, height_ratios=(3.4, 1))
    for column, (title, runs) in enumerate(
        (("bins of equal width (the paper's)", equal_width), ("bins of equal count", equal_count))
    ):
        top = made.add_subplot(grid[0, column])
        _slice_panels(top, made.add_subplot(grid[1, column]), runs, title, "words")
    legend_above(made, top)
    note(made, "bars: 95 % Wilson intervals · bins with few pairs are unreliable")
    return made


def slice_figure(runs: Runs, title: str) -> Figure:
    """Error rates of any one kind of slice, drawn like Fig. 8."""
    made = figure(max(5.0, 1.8 + 0.75 * len(runs[0][1])), 4.6, title, named=True)
    grid = made.add_gridspec(2, 1, height_ratios=(3.4, 1))
    top = made.add_subplot(grid[0])
    _slice_panels(top, made.add_subplot(grid[1]), runs, "", "")
    legend_above(made, top)
    note(made, "bars: 95 % Wilson intervals")
    return made


def _slice_panels(top: Any, below: Any, runs: Runs, title: str, x: str) -> None:
    names = [row.slice for row in runs[0][1]]
    at = np.arange(len(names))
    for index, (name, rows) in enumerate(runs):
        shift = (index - (len(runs) - 1) / 2) * 0.24
        filled = [(i, row) for i, row in enumerate(rows) if row.n]
        rate = np.array([row.error_rate for _, row in filled], dtype=np.float64)
        low = np.array([row.ci_low for _, row in filled], dtype=np.float64)
        high = np.array([row.ci_high for _, row in filled], dtype=np.float64)
        top.errorbar(
            np.array([i for i, _ in filled]) + shift,
            rate,
            yerr=np.maximum(np.stack([rate - low, high - rate]), 0.0),
            fmt=RUN_MARKS[index % 2],
            ms=5,
            capsize=2.5,
            lw=1.3,
            color=run_colour(index),
            label=label(name),
        )
    dress(top, title, "", "error rate")
    top.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    top.set_ylim(bottom=-0.03 * top.get_ylim()[1])  # a marker at zero stays whole
    top.set_xlim(-0.6, len(names) - 0.4)
    top.set_xticks(at, [""] * len(names))
    counts = [row.n for row in runs[0][1]]
    count_strip(below, at, counts, 0.62)
    below.set_xlim(-0.6, len(names) - 0.4)
    turned = max(map(len, names), default=0) > 6 or len(names) > 12
    below.set_xticks(at, names, rotation=30 if turned else 0, ha="right" if turned else "center")
    below.set_xlabel(x, fontsize=8.5, color=MUTED)


def count_strip(axes: Any, at: Any, counts: Sequence[int], width: float) -> None:
    """A strip of bars that says how many pairs each bin has."""
    axes.bar(at, counts, width=width, color="#cfd5df")
    dress(axes, "", "", "pairs", grid="")
    axes.set_yticks([])
    axes.set_ylim(0, max(max(counts, default=1), 1) * 1.5)
    axes.spines["left"].set_visible(False)
    for x, n in zip(at, counts, strict=True):
        axes.annotate(
            f"{n:,}",
            (x, n),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=MUTED,
        )


def confusion_figure(runs: Sequence[tuple[str, Confusion]]) -> Figure:
    """Fig. 9: counts and row shares of one or two runs; with two also B − A of each."""
    two = len(runs) == 2
    made = figure(11.0 if two else 4.4, 6.8, "Fig. 9 · Confusion matrices")
    panels = made.subplots(2, 3 if two else 1, squeeze=False)
    most = max(int(table.counts.max()) for _, table in runs)
    for column, (name, table) in enumerate(runs):
        lead = f"{'AB'[column]} · {name}" if two else name
        _matrix(panels[0][column], table, table.counts, f"{lead}: pairs", most, "{:,.0f}")
        _matrix(panels[1][column], table, table.rates, f"{lead}: share of gold", 1.0, "{:.1%}")
    if two:
        (_, a), (_, b) = runs
        change = b.counts - a.counts
        reach = max(int(np.abs(change).max()), 1)
        _matrix(panels[0][2], a, change, "B − A: pairs", reach, "{:+,.0f}", True)
        moved = (b.rates - a.rates) * 100
        reach_of_rates = max(float(np.nanmax(np.abs(moved))), 1e-9)
        _matrix(panels[1][2], a, moved, "B − A: points", reach_of_rates, "{:+.1f}", True)
        note(made, "rows: gold, columns: predicted · B − A: orange more in B, blue fewer")
    else:
        note(made, "rows: gold, columns: predicted")
    return made


def _matrix(
    axes: Any,
    table: Confusion,
    values: Any,
    title: str,
    reach: float,
    form: str,
    signed: bool = False,
) -> None:
    colours = diverging() if signed else sequential()
    drawn = axes.imshow(
        values, cmap=colours, vmin=-reach if signed else 0, vmax=reach, aspect="auto"
    )
    dress(axes, title, "", "", grid="")
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xticks(range(len(table.predicted_names)), table.predicted_names)
    axes.set_yticks(range(len(table.gold_names)), table.gold_names, rotation=90, va="center")
    axes.tick_params(length=0)
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        axes.text(
            column,
            row,
            "–" if np.isnan(value) else form.format(value).replace("-", "−"),
            ha="center",
            va="center",
            fontsize=11 if row == column else 10,
            fontweight="bold" if row == column else "normal",
            color=ink_on(drawn.to_rgba(value)),
        )
