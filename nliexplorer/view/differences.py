"""Table 1 with intervals drawn about zero."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rich.style import Style
from rich.table import Table
from rich.text import Text

from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.analysis.significance import Comparison, MetricDifference
from nliexplorer.view.metric_text import change, figure, interval, verdict_style, verdict_words
from nliexplorer.view.palette import Palette

#: Columns under which tables of differences leave out what they can.
TIGHT = 66
#: Styles by the name of a column that make its heading a link.
Links = Mapping[str, Style]
NO_LINKS: Links = MappingProxyType({})


def heading(name: str, links: Links) -> Text:
    """The heading of a column, a link where there is one for it."""
    return Text(name, links.get(name, Style()))


def table_one(
    comparison: Comparison, palette: Palette, width: int, links: Links = NO_LINKS
) -> Table:
    """One line per metric: both values, their difference, its 95 % interval printed and drawn."""
    drawn, tight = max(0, min(width - 82, 41)) | 1, width < TIGHT
    gap = 1 if tight else 2
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style=palette.muted)
    table.add_column("", no_wrap=True)
    for index in (0, 1):
        letter = Text("AB"[index], palette.run(index) + palette.strong)
        table.add_column(letter, justify="right", no_wrap=True)
    for name in ("B − A", "95 % interval"):
        table.add_column(heading(name, links), justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    if drawn > 9:
        table.add_column(_directions(drawn), no_wrap=True)
    for row in comparison.metrics:
        cells = _cells(row, palette, tight)
        table.add_row(*cells, *([_drawn(row, drawn, palette)] if drawn > 9 else []))
    return table


def _directions(width: int) -> Text:
    """The heading of the drawn intervals: zero in the middle, and which side favours which run."""
    half = width // 2
    left, right = "◂ A better", "B better ▸"
    if half < len(left) + 1:
        left, right = "◂ A", "B ▸"
    return Text(f"{left:<{half}}0{right:>{half}}")


def _cells(row: MetricDifference, palette: Palette, tight: bool) -> list[Text]:
    spec = spec_of(row.name)
    later = difference_cells(row, palette, tight=tight)
    return [Text(spec.short if tight else spec.heading), Text(figure(spec, row.a)), *later]


def difference_cells(
    row: MetricDifference, palette: Palette, run: str = "B", *, tight: bool = False
) -> list[Text]:
    """The later run's value, its difference from A, the interval, and what was decided."""
    spec = spec_of(row.name)
    style = verdict_style(row.verdict, palette) if row.verdict else palette.muted
    ends = "" if row.ci_low is None else interval(spec, row.ci_low, row.ci_high)
    verdict_text = "" if row.ci_low is None else verdict_words(row.verdict, run, short=tight)
    return [
        Text(figure(spec, row.b)),
        Text(change(spec, row.delta), style),
        Text(ends.replace(" ", "") if tight else ends, palette.muted),
        Text(verdict_text, style),
    ]


def _drawn(row: MetricDifference, width: int, palette: Palette) -> Text:
    """The interval on its own axis about zero, improvement to the right."""
    if row.ci_low is None or row.ci_high is None or row.delta is None:
        return Text()
    flip = -1 if spec_of(row.name).lower_is_better else 1
    low, high = sorted((row.ci_low * flip, row.ci_high * flip))
    return interval_about_zero(low, row.delta * flip, high, width, palette, row.verdict)


def interval_about_zero(
    low: float,
    value: float,
    high: float,
    width: int,
    palette: Palette,
    verdict: int,
    reach: float | None = None,
) -> Text:
    """`····━━●━━┿━··`: zero in the middle, `reach` at the ends (default: what the row needs)."""
    reach = reach or max(abs(low), abs(high)) * 1.1 or 1.0
    middle = width // 2

    def cell(x: float) -> int:
        return max(0, min(width - 1, round(middle + x / reach * middle)))

    style = verdict_style(verdict, palette) if verdict else palette.muted
    text = Text(no_wrap=True)
    for place in range(width):
        if place == cell(value):
            text.append("●", style + Style(bold=True))
        elif cell(low) <= place <= cell(high):
            text.append("┿" if place == middle else "━", style)
        elif place == middle:
            text.append("│", palette.muted)
        else:
            text.append("·", palette.faint)
    return text
