"""A study's figures: what each arm changed, where its attributions went, how its penalty went."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
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
_FEW = 3  # seeds, under which an interval says nothing: the mark is hollow
_WIDE = 4  # times the set's median interval: cut, or none of the others could be read
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
    ranges = [_range([_row(b, arm, place) for b, arms in shown for arm in arms]) for place in sets]
    for number, (panels, (block, arms)) in enumerate(zip(grid, shown, strict=True)):
        for column, (axes, place) in enumerate(zip(panels, sets, strict=True)):
            _forest(axes, [_row(block, arm, place) for arm in arms], *ranges[column])
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
    note(
        made,
        "accuracy less the block's reference, points · paired by seed, 95 % t-interval (arrow: it "
        f"goes on) · hollow: under {_FEW} seeds · coloured: after adjusting for all comparisons",
    )
    return made


def _compared(block: BlockRows) -> list[str]:
    tested = {row.arm for row in block.rows if row.metric == TESTED and row.delta is not None}
    return [arm for arm in block.arms if arm in tested]


def _row(block: BlockRows, arm: str, place: str, metric: str = TESTED) -> ArmRow | None:
    matching = (r for r in block.rows if (r.arm, r.set, r.metric) == (arm, place, metric))
    return next(matching, None)


def _interval(row: ArmRow | None) -> tuple[float, float] | None:
    """In points; None where there are too few seeds for one."""
    if row is None or row.ci_low is None or row.ci_high is None or len(row.seeds) < _FEW:
        return None
    return row.ci_low * 100, row.ci_high * 100


def _range(rows: Sequence[ArmRow | None]) -> tuple[float, float]:
    """Of a set's axis, points: every change, and every interval that is not far wider than most."""
    intervals = [bounds for row in rows if (bounds := _interval(row))]
    widest = _WIDE * median([high - low for low, high in intervals] or [0.0])
    ends = [end for low, high in intervals if high - low <= widest for end in (low, high)]
    ends += [0.0, *(row.delta * 100 for row in rows if row and row.delta is not None)]
    margin = 0.08 * (max(ends) - min(ends)) or 1.0
    return min(ends) - margin, max(ends) + margin


def _forest(axes: Any, rows: Sequence[ArmRow | None], left: float, right: float) -> None:
    axes.axvline(0, color=MUTED, lw=0.9)
    axes.set_xlim(left, right)
    for place, row in enumerate(rows):
        if row is None or row.delta is None:
            continue
        colour = run_colour(0 if row.verdict > 0 else 1) if row.claimed else MUTED
        few = len(row.seeds) < _FEW
        if ends := _interval(row):
            axes.plot(ends, [place, place], color=colour, lw=2)
            for edge, mark, beyond in ((left, "<", ends[0] < left), (right, ">", ends[1] > right)):
                if beyond:
                    axes.plot([edge], [place], mark, color=colour, ms=5, clip_on=False)
        axes.plot(
            [row.delta * 100], [place], "o", color=colour, ms=5.5, mfc="white" if few else colour
        )
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
        few = len(x.seeds) < _FEW
        axes.errorbar(
            x.mean,
            y.mean * 100,
            xerr=None if few else x.half,
            yerr=None if few or y.half is None else y.half * 100,
            mfc="white" if few else None,
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
        axes.axhline(even.mean * 100, color=MUTED, lw=1, ls=":", label="if spread evenly")
    if min(x.mean for _, x, _ in pairs) > 0:
        axes.set_xscale("log")
    dress(axes, "", "V: variance of a pair's attributions over its words", "", "both")
    axes.yaxis.set_major_formatter(PercentFormatter(decimals=0))
    axes.set_ylabel("|attribution| on artefact words", fontsize=8.5, color=MUTED)
    legend(axes, loc="best")
    text = "means and 95 % t-intervals over seeds, of the same pairs for every run"
    note(made, f"{text} · hollow: under {_FEW} seeds")
    return made


def penalty_curves_figure(curves: Sequence[CurveLike], title: str) -> Figure | None:
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
