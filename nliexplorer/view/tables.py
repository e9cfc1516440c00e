"""Comparison, calibration and slices as tables for the command line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nliexplorer.analysis.calibration import Calibration
from nliexplorer.analysis.significance import LOWER_IS_BETTER, Comparison
from nliexplorer.analysis.slices import Slice, SliceDifference
from nliexplorer.view.bars import bar, percent
from nliexplorer.view.palette import DARK, Palette, signed
from nliexplorer.view.text import plain, visible


def _table(*headings: str, left: int = 1) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(
            plain(heading), justify="left" if index < left else "right", overflow="fold"
        )
    return table


def comparison_table(result: Comparison, palette: Palette = DARK) -> RenderableType:
    """The paper's Table 1 with intervals; a difference is coloured where its interval leaves 0."""
    table = _table("", result.a, result.b, "difference", "95 % interval")
    for row in result.metrics:
        interval = Text("")
        if row.ci_low is not None and row.ci_high is not None:
            interval = Text(f"{signed(row.ci_low, 4)} … {signed(row.ci_high, 4)}")
            if row.ci_low > 0 or row.ci_high < 0:
                better = (row.ci_low > 0) != (row.name in LOWER_IS_BETTER)
                interval.stylize(palette.right if better else palette.wrong)
        table.add_row(
            row.name,
            *("–" if value is None else f"{value:.4f}" for value in (row.a, row.b)),
            "–" if row.delta is None else signed(row.delta, 4),
            interval,
        )
    counts = (
        f"{result.n:,} pairs of {visible(result.split)}: fixed {result.fixed:,} · "
        f"broken {result.broken:,} · both right {result.both_right:,} · "
        f"both wrong {result.both_wrong:,}"
    )
    test = (
        f"exact McNemar p = {result.mcnemar_p:.3g}; intervals from {result.resamples:,} resamples"
    )
    parts: list[RenderableType] = [table, Text(counts), Text(test)]
    if result.left_out:
        parts.append(Text(visible(result.left_out), palette.warning))
    return Group(*parts)


def calibration_table(result: Calibration, palette: Palette = DARK) -> RenderableType:
    """The reliability diagram in rows, and the figures under it."""
    table = _table("confidence", "pairs", "mean conf.", "accuracy", "95 % interval", "")
    for item in result.bins:
        table.add_row(
            f"{item.low:.1f} – {item.high:.1f}",
            f"{item.n:,}",
            percent(item.confidence, 1),
            percent(item.accuracy, 1),
            f"{percent(item.ci_low)} – {percent(item.ci_high)}" if item.n else "",
            Text(bar(item.accuracy or 0.0, 24) if item.n else "", palette.run(0)),
        )
    figures = Table.grid(padding=(0, 3))
    for name, value, about in (
        ("ECE", result.ece, "10 equal-width bins"),
        ("MCE", result.mce, ""),
        ("NLL", result.nll, "nats"),
        ("Brier", result.brier, ""),
        ("R²", result.r2, "accuracy on confidence, one point a bin"),
        ("temperature", result.temperature, "fitted on one half"),
        ("ECE after", result.ece_after_temperature, "on the other half"),
        ("NLL after", result.nll_after_temperature, "on the other half"),
    ):
        shown = "–" if value is None else f"{value:.4f}"
        figures.add_row(name, Text(shown, justify="right"), Text(about, palette.muted))
    return Group(table, Text(), figures)


def slices_table(title: str, rows: Sequence[Slice], palette: Palette = DARK) -> Table:
    """Error rate of one run by slice."""
    table = _table(title, "pairs", "error %", "95 % interval", "")
    for row in rows:
        table.add_row(
            plain(row.slice),
            f"{row.n:,}",
            percent(row.error_rate),
            f"{percent(row.ci_low)} – {percent(row.ci_high)}" if row.n else "",
            Text(bar(row.error_rate or 0.0, 24) if row.n else "", palette.wrong),
        )
    return table


def differences_table(
    title: str, names: tuple[str, str], rows: Sequence[SliceDifference], palette: Palette = DARK
) -> Table:
    """Error rates of two runs by slice; a difference is coloured where its q is below 0.05."""
    table = _table(title, "pairs", *names, "difference", "95 % interval", "q")
    for row in rows:
        style = ""
        if row.q < 0.05:
            style = str(palette.right if row.delta < 0 else palette.wrong)
        table.add_row(
            plain(row.slice),
            f"{row.n:,}",
            percent(row.error_a),
            percent(row.error_b),
            Text(signed(row.delta * 100, 1), style),
            f"{signed(row.ci_low * 100, 1)} … {signed(row.ci_high * 100, 1)}",
            f"{row.q:.3f}",
        )
    return table
