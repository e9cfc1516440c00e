"""How a slice is drawn: name, n, each run's error rate, and how far it is from A's.

Of two runs with bars; of more a column a run, and what does not fit is scrolled to.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from nliexplorer.analysis.slices import Slice, SliceDifference
from nliexplorer.analysis.verdict import ALPHA, FEW_PAIRS
from nliexplorer.comparison.slices import Cut, SliceRow
from nliexplorer.view.bars import bar, interval_bar, percent
from nliexplorer.view.differences import NO_LINKS, Links, heading, interval_about_zero
from nliexplorer.view.metric_text import verdict_style
from nliexplorer.view.pair import LETTERS
from nliexplorer.view.palette import Palette, signed
from nliexplorer.view.text import visible

_FIGURE = 6
_LEAST_BAR = 3
#: Columns of one more run: its rate, the difference from A, its interval, a star.
_RUN = 29
#: Columns under which gaps and names are narrow.
_TIGHT = 46


@dataclass(frozen=True, slots=True)
class _Layout:
    name: int
    n: int
    gap: int  # after each rate
    bar: int
    delta: int  # width of the drawn interval, 0 for none
    shown: tuple[int, ...]  # runs that have a column, by number


def run_count(cut: Cut) -> int:
    """How many runs the slices are of."""
    return len(cut.rows[0].errors) if cut.rows else 1


def _layout(cut: Cut, width: int, first: int) -> _Layout:
    longest = max((len(row.label) for row in cut.rows), default=8)
    runs = run_count(cut)
    tight = width < _TIGHT or longest > width // 2  # long names: rather whole than airy
    digits = max((len(f"{row.n:,}") for row in cut.rows), default=1)
    n, gap = (digits + 2, 1) if tight else (max(8, digits + 2), 1) if runs > 2 else (10, 2)
    if runs > 2:
        room = max(width - n - _FIGURE - gap - _RUN, 8)
        name = min(max(longest, len("slice")) + 1, max(room % _RUN, 12))
        fit = max(1, (width - name - n - _FIGURE - gap) // _RUN)
        start = max(1, min(first, runs - fit))
        return _Layout(name, n, gap, 0, 0, (0, *range(start, min(start + fit, runs))))
    figures = n + runs * (_FIGURE + gap) + (8 + gap if runs > 1 else 0)  # names come before bars
    room = width - figures - 1  # for the names and the bars
    name = max(10, min(longest + 1, max(width // 3, room - runs * _LEAST_BAR)))
    rest = room - name
    if runs == 1:
        return _Layout(name, n, gap, max(0, min(rest, 50)), 0, (0,))
    delta = max(0, min(rest // 3, 25)) if rest >= 45 else 0
    bars = max(0, min((rest - delta - (2 if delta else 0)) // 2, 30))
    if bars < _LEAST_BAR:  # too short to tell anything
        return _Layout(max(7, min(longest + 1, room)), n, gap, 0, 0, (0, 1))
    return _Layout(name, n, gap, bars, delta | 1 if delta else 0, (0, 1))


def shown_runs(cut: Cut, width: int, first: int) -> tuple[int, ...]:
    """The runs after A that have a column, if the one with number `first` is scrolled to."""
    return _layout(cut, width, first).shown[1:]


def key_line(cut: Cut, width: int, palette: Palette, first: int = 1) -> Text:
    """What grey, bars and stars mean, and how many runs are out of sight; in as many lines as it
    takes."""
    sizes, tested = (
        _layout(cut, width, first),
        [d for row in cut.rows for d in row.differences if d],
    )
    hidden = run_count(cut) - len(sizes.shown)
    parts = [(f"← → {hidden} more run{'s' * (hidden > 1)}", palette.warning)] if hidden else []
    parts.append((f"grey: under {FEW_PAIRS} pairs", Style()))
    if sizes.bar and any(each.ci_low is not None for row in cut.rows for each in row.errors):
        parts.append(("█ ▓ ░ rate, 95 % interval", Style()))
    if tested:
        parts.append((f"* q ≤ {ALPHA:g} over {tested[0].family:,} slices", Style()))
    text, used = Text(), 0
    for part, style in parts:
        fits = used + 3 + len(part) <= width
        text.append((" · " if fits else "\n") if used else "").append(part, style)
        used = used + 3 + len(part) if used and fits else len(part)
    return text


def is_cut(label: str, cut: Cut, width: int) -> bool:
    """Whether this slice's label is too long for its column."""
    return len(visible(label)) >= _layout(cut, width, 1).name


def headings(
    cut: Cut, width: int, palette: Palette, first: int = 1, links: Links = NO_LINKS
) -> Text:
    """The line over the rows; `links` make the names of columns in it clickable."""
    sizes = _layout(cut, width, first)
    text = Text(no_wrap=True, style=palette.muted)
    text.append_text(heading("slice", links)).append(" " * (sizes.name - len("slice")))
    _append_right(text, heading("n", links), sizes.n - 2, 2)
    for index in sizes.shown:
        letter = Text(LETTERS[index], palette.run(index) + links.get(LETTERS[index], Style()))
        _append_right(text, letter, 5, 1 + sizes.gap + sizes.bar)
        if index and run_count(cut) > 2:
            _append_right(text, heading(f"{LETTERS[index]} − A", links), 6, 0)
            _append_right(text, heading("95 % interval", links), 14, 2)
    if len(sizes.shown) == run_count(cut) == 2:
        _append_right(text, heading("B − A", links), 6, 0)
    return text


def _append_right(text: Text, label: Text, width: int, gap: int) -> None:
    """The label at the right end of so many columns, then a gap."""
    text.append(" " * (width - label.cell_len)).append_text(label).append(" " * gap)


def slice_rows(cut: Cut, width: int, palette: Palette, first: int = 1) -> list[Text]:
    """The slices as lines, all on one scale."""
    sizes = _layout(cut, width, first)
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
    text.append(f"{row.n:>{sizes.n - 2},}  ", palette.muted)
    many = len(row.errors) > 2
    for index in sizes.shown:
        each = row.errors[index]
        style = palette.muted if few else palette.run(index)
        if many:
            text.append(f"{percent(each.error_rate):>5} ", style).append(" " * sizes.gap)
        else:
            _append_rate(text, each, sizes, top, style)
        difference = row.differences[index - 1] if index else None
        if many and index:
            _append_interval(text, difference, few, palette)
        elif difference:
            _append_difference(text, difference, sizes.delta, reach, few, palette)
    text.rstrip()
    return text


def _append_rate(text: Text, row: Slice, sizes: _Layout, top: float, style: Style) -> None:
    text.append(f"{percent(row.error_rate):>5} ")
    if row.error_rate is None:
        text.append(" " * sizes.bar)
    elif row.ci_low is None or row.ci_high is None:
        text.append(bar(row.error_rate / top, sizes.bar), style)
    else:
        low, high = row.ci_low / top, min(1.0, row.ci_high / top)
        text.append_text(interval_bar(row.error_rate / top, low, high, sizes.bar, style))
    text.append(" " * sizes.gap)


def _style(d: SliceDifference, few: bool, palette: Palette) -> Style:
    return palette.muted if few or not d.verdict else verdict_style(d.verdict, palette)


def _append_interval(text: Text, d: SliceDifference | None, few: bool, palette: Palette) -> None:
    """The difference from A with its interval in figures; a dash where it was not tested."""
    if d is None:
        text.append(f"{'–':>6}{'':16}", palette.faint)
        return
    ends = "…".join(signed(end * 100, 1) for end in (d.ci_low, d.ci_high))
    style = _style(d, few, palette)
    text.append(f"{signed(d.delta * 100, 1):>6}", style)
    text.append(f"{ends:>14}", palette.muted).append("* " if d.verdict else "  ", style)


def _append_difference(
    text: Text, d: SliceDifference, width: int, reach: float, few: bool, palette: Palette
) -> None:
    style = _style(d, few, palette)
    text.append(f"{signed(d.delta * 100, 1):>6} ", style)
    text.append("* " if d.verdict else "  ", style)
    if width:
        # errors: less is better, and better is to the right
        drawn = interval_about_zero(
            -d.ci_high, -d.delta, -d.ci_low, width, palette, d.verdict, reach
        )
        text.append_text(drawn)
