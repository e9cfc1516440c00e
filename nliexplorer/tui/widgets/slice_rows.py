"""How a slice is drawn: name, n, A's and B's error rate as bars, the difference with interval."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from nliexplorer.analysis.slices import Slice, SliceDifference
from nliexplorer.analysis.verdict import FEW_PAIRS
from nliexplorer.comparison.slices import Cut, SliceRow
from nliexplorer.view.bars import bar, interval_bar, percent
from nliexplorer.view.differences import interval_about_zero
from nliexplorer.view.metric_text import verdict_style
from nliexplorer.view.palette import Palette, signed
from nliexplorer.view.text import visible

_FIGURE = 6
_LEAST_BAR = 3


@dataclass(frozen=True, slots=True)
class _Layout:
    name: int
    bar: int
    delta: int  # width of the drawn interval, 0 for none


def _layout(cut: Cut, width: int) -> _Layout:
    longest = max((len(row.label) for row in cut.rows), default=8)
    runs = _runs(cut)
    figures = 9 + runs * (_FIGURE + 2) + (10 if runs > 1 else 0)  # names come before bars
    room = max(width // 3, width - figures - runs * _LEAST_BAR if longest > width // 3 else 0)
    name = max(10, min(longest + 1, room))
    rest = width - name - 9 - runs * (_FIGURE + 2) - (10 if runs > 1 else 0) - 2
    if runs == 1:
        return _Layout(name, max(0, min(rest, 50)), 0)
    delta = max(0, min(rest // 3, 25)) if rest >= 45 else 0
    return _Layout(name, max(0, min((rest - delta - 2) // 2, 30)), delta | 1 if delta else 0)


def _runs(cut: Cut) -> int:
    return len(cut.rows[0].errors) if cut.rows else 1


def heading(cut: Cut, width: int, palette: Palette) -> Text:
    """The line over the rows."""
    sizes = _layout(cut, width)
    text = Text(" " * sizes.name + "       n  ", palette.muted, no_wrap=True)
    for index in range(_runs(cut)):
        text.append("AB"[index], palette.run(index))
        text.append(" " * (_FIGURE + 1 + sizes.bar))
    if _runs(cut) > 1:
        text.append("   B − A")
    return text


def slice_rows(cut: Cut, width: int, palette: Palette) -> list[Text]:
    """The slices as lines, all on one scale."""
    sizes = _layout(cut, width)
    many = [row for row in cut.rows if row.n >= FEW_PAIRS]
    top = max((each.error_rate or 0.0 for row in many for each in row.errors), default=1.0) or 1.0
    known = [difference for row in many for difference in row.differences if difference]
    reach = max((max(abs(d.ci_low), abs(d.ci_high)) for d in known), default=1.0)
    return [_row(row, sizes, min(1.0, top * 1.15), reach, palette) for row in cut.rows]


def _row(row: SliceRow, sizes: _Layout, top: float, reach: float, palette: Palette) -> Text:
    few = row.n < FEW_PAIRS
    name = visible(row.label)
    name = name if len(name) < sizes.name else name[: sizes.name - 2] + "…"
    text = Text(no_wrap=True)
    text.append(f"{name:<{sizes.name}}", palette.muted if few else "")
    text.append(f"{row.n:>8,}  ", palette.muted)
    for index, each in enumerate(row.errors):
        _append_rate(text, each, sizes.bar, top, palette.muted if few else palette.run(index))
    for difference in filter(None, row.differences):
        _append_difference(text, difference, sizes.delta, reach, few, palette)
    return text


def _append_rate(text: Text, row: Slice, width: int, top: float, style: Style) -> None:
    text.append(f"{percent(row.error_rate):>5} ")
    if row.error_rate is None:
        text.append(" " * width)
    elif row.ci_low is None or row.ci_high is None:
        text.append(bar(row.error_rate / top, width), style)
    else:
        low, high = row.ci_low / top, min(1.0, row.ci_high / top)
        text.append_text(interval_bar(row.error_rate / top, low, high, width, style))
    text.append("  ")


def _append_difference(
    text: Text, d: SliceDifference, width: int, reach: float, few: bool, palette: Palette
) -> None:
    style = palette.muted if few or not d.verdict else verdict_style(d.verdict, palette)
    text.append(f"{signed(d.delta * 100, 1):>6} ", style)
    text.append("* " if d.verdict else "  ", style)
    if width:
        # errors: less is better, and better is to the right
        drawn = interval_about_zero(
            -d.ci_high, -d.delta, -d.ci_low, width, palette, d.verdict, reach
        )
        text.append_text(drawn)
