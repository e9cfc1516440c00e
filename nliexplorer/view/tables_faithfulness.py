"""The measures of an attribution method beside the random control."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from nliexplorer.analysis.controlled_measures import Measure
from nliexplorer.view.metric_text import UNKNOWN, verdict_style
from nliexplorer.view.palette import DARK, Palette, signed
from nliexplorer.view.tables import new_table
from nliexplorer.view.text import plain


def faithfulness_table(
    title: str,
    measures: Sequence[Measure],
    headings: tuple[str, str, str] = ("method", "random", "difference, 95 %"),
    palette: Palette = DARK,
) -> RenderableType:
    """Means ± 95 % of a method and of its control, the interval between them, and n."""
    table = new_table("", palette)
    table.add_column("")
    for heading in (*headings, "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in measures:
        table.add_row(
            f"{each.name} {'↑' if each.higher_is_better else '↓'}",
            _mean(each.value, each.half),
            _mean(each.control, each.control_half),
            Text(_difference(each), verdict_style(each.verdict, palette)),
            f"{each.n:,}",
        )
    note = "↑ high is good, ↓ low is good; coloured where the interval excludes no difference"
    return Group(plain(title, "bold"), table, Text(note, palette.muted))


def _mean(mean: float | None, half: float | None) -> str:
    if mean is None:
        return UNKNOWN
    shown = signed(mean, 3) if mean < 0 else f"{mean:.3f}"
    return shown if half is None else f"{shown} ±{half:.3f}"


def _difference(each: Measure) -> str:
    if each.delta is None:
        return UNKNOWN
    if each.ci_low is None or each.ci_high is None:
        return signed(each.delta, 3)
    return f"{signed(each.ci_low, 3)} … {signed(each.ci_high, 3)}"
