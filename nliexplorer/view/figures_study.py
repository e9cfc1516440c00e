"""A study's figures: what each arm changed, where its attributions went, how its penalty went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nliexplorer.analysis.arms import TESTED, ArmRow
from nliexplorer.view.figures_style import (
    INK,
    MUTED,
    dress,
    figure,
    label,
    legend,
    note,
    run_colour,
)
from nliexplorer.view.tables_study import BlockRows, change_of

_COLOURS = ("#2f6fb3", "#d9730d", "#3d8f5f", "#8a5fb5", "#b5485d", "#7a7f29")
_MARKS = ("o", "s", "^", "D", "v", "P")


class CurveLike(Protocol):
    """The shape of `workflow.study.results.Curve`."""

    @property
    def arm(self) -> str: ...
    @property
    def updates(self) -> Sequence[float]: ...
    @property
    def variance(self) -> Sequence[float]: ...
    @property
    def saturation(self) -> Sequence[float]: ...


def changes_figure(blocks: Sequence[BlockRows], title: str) -> Figure | None:
    """Each arm's accuracy less its reference's, by set, with 95 % intervals over seeds."""
    shown = [(block, _compared(block)) for block in blocks]
    shown = [(block, arms) for block, arms in shown if arms]
    if not shown:
        return None
    sets = list(dict.fromkeys(place for block, _ in shown for place in block.sets))
    heights = [len(arms) + 0.9 for _, arms in shown]
    made = figure(2.2 + 2.1 * len(sets), 0.9 + 0.36 * sum(heights), title)
    grid = made.subplots(len(shown), len(sets), squeeze=False, height_ratios=heights, sharex="col")
    for number, (panels, (block, arms)) in enumerate(zip(grid, shown, strict=True)):
        for column, (axes, place) in enumerate(zip(panels, sets, strict=True)):
            _forest(axes, [_row(block, arm, place) for arm in arms])
            axes.set_yticks(range(len(arms)), [label(arm) for arm in arms] if not column else [])
            axes.set_ylim(len(arms) - 0.4, -0.6)
            dress(axes, "" if number else place, "", "", "x")
            if not column:
                axes.set_ylabel("")
                axes.tick_params(axis="y", labelsize=8.5, colors=INK)
                axes.annotate(
                    label(block.title),
                    (0, 1.0),
                    xycoords="axes fraction",
                    xytext=(-4, 4 if number else 14),
                    textcoords="offset points",
                    ha="right",
                    fontsize=8.5,
                    color=MUTED,
                )
    note(made, "accuracy less the block's reference, points · paired by seed, 95 % t-interval")
    return made


def _compared(block: BlockRows) -> list[str]:
    tested = {row.arm for row in block.rows if row.metric == TESTED and row.delta is not None}
    return [arm for arm in block.arms if arm in tested]


def _row(block: BlockRows, arm: str, place: str, metric: str = TESTED) -> ArmRow | None:
    found = (r for r in block.rows if (r.arm, r.set, r.metric) == (arm, place, metric))
    return next(found, None)


def _forest(axes: Any, rows: Sequence[ArmRow | None]) -> None:
    axes.axvline(0, color=MUTED, lw=0.9)
    for place, row in enumerate(rows):
        if row is None or row.delta is None:
            continue
        colour = {1: run_colour(0), -1: run_colour(1), 0: MUTED}[row.verdict]
        if row.ci_low is not None and row.ci_high is not None:
            axes.plot([row.ci_low * 100, row.ci_high * 100], [place, place], color=colour, lw=2)
        axes.plot([row.delta * 100], [place], "o", color=colour, ms=5.5)
        axes.annotate(
            change_of(row).partition(" ")[0],
            (row.delta * 100, place),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
            color=colour,
        )


def attribution_figure(block: BlockRows, title: str) -> Figure | None:
    """V against the share of attribution on artefact words, a point an arm, bars over seeds."""
    pairs = [
        (arm, x, y)
        for arm in block.arms
        if (x := _row(block, arm, "", "variance")) and (y := _row(block, arm, "", "artefact_share"))
    ]
    if not pairs:
        return None
    made = figure(6.6, 4.6, title)
    axes = made.add_subplot()
    for index, (arm, x, y) in enumerate(pairs):
        axes.errorbar(
            x.mean,
            y.mean * 100,
            xerr=x.half,
            yerr=None if y.half is None else y.half * 100,
            color=_COLOURS[index % len(_COLOURS)],
            marker=_MARKS[index % len(_MARKS)],
            ms=7,
            lw=1.2,
            ls="",
            capsize=2,
            label=label(arm),
        )
    even = _row(block, pairs[0][0], "", "artefact_even")
    if even:
        axes.axhline(even.mean * 100, color=MUTED, lw=1, ls=":", label="were it spread evenly")
    if min(x.mean for _, x, _ in pairs) > 0:
        axes.set_xscale("log")
    dress(axes, "", "V: variance of a pair's attributions over its words", "", "both")
    axes.yaxis.set_major_formatter(PercentFormatter(decimals=0))
    axes.set_ylabel("|attribution| on artefact words", fontsize=8.5, color=MUTED)
    legend(axes, loc="best")
    note(made, "means and 95 % t-intervals over seeds, of the same pairs for every run")
    return made


def course_figure(curves: Sequence[CurveLike], title: str) -> Figure | None:
    """V and tanh(alpha * V) over training, means over seeds."""
    if not curves:
        return None
    made = figure(9.6, 3.8, title)
    panels = made.subplots(1, 2)
    for index, curve in enumerate(curves):
        colour = _COLOURS[index % len(_COLOURS)]
        line = "-" if index < len(_COLOURS) else "--"
        panels[0].plot(curve.updates, curve.variance, color=colour, ls=line, label=label(curve.arm))
        panels[1].plot(curve.updates, curve.saturation, color=colour, ls=line)
    if all(value > 0 for curve in curves for value in curve.variance):
        panels[0].set_yscale("log")
    dress(panels[0], "The penalised quantity", "update", "")
    dress(panels[1], "Saturation, tanh(α · V)", "update", "")
    panels[1].set_ylim(0, 1.02)
    legend(panels[0], loc="best")
    note(made, "means over seeds · near 1, saturation leaves no gradient")
    return made
