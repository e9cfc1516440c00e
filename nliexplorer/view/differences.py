"""Table 1 with intervals drawn about zero."""

from __future__ import annotations

from rich.style import Style
from rich.table import Table
from rich.text import Text

from nliexplorer.analysis.significance import LOWER_IS_BETTER, Comparison, MetricDifference
from nliexplorer.view.palette import Palette, signed

_NAMES = {
    "accuracy": "accuracy, %",
    "roc_auc_macro": "ROC AUC macro, %",
    "roc_auc_neutral": "ROC AUC neutral, %",
    "nll": "NLL, nats",
    "brier": "Brier score",
    "ece": "ECE, %",
    "eval_seconds": "evaluation, s",
    "train_seconds": "training, s",
}
_PERCENT = frozenset({"accuracy", "roc_auc_macro", "roc_auc_neutral", "ece"})


def table_one(comparison: Comparison, palette: Palette, width: int) -> Table:
    """A line a metric: both values, their difference, its 95 % interval in figures and drawn."""
    drawn = max(0, min(width - 82, 41)) | 1
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=palette.muted)
    table.add_column("", no_wrap=True)
    for index in (0, 1):
        heading = Text("AB"[index], palette.run(index) + palette.strong)
        table.add_column(heading, justify="right")  # type: ignore[arg-type]
    table.add_column("B − A", justify="right")
    table.add_column("95 % interval", justify="right")
    table.add_column("", no_wrap=True)
    if drawn > 9:
        table.add_column("", no_wrap=True)
    for row in comparison.metrics:
        cells = _cells(row, palette)
        table.add_row(*cells, *([_drawn(row, drawn, palette)] if drawn > 9 else []))
    return table


def _cells(row: MetricDifference, palette: Palette) -> list[Text]:
    factor, digits = (100, 2) if row.name in _PERCENT else (1, 4)
    if row.name.endswith("seconds"):
        digits = 1

    def figure(value: float | None) -> Text:
        return Text("–" if value is None else f"{value * factor:,.{digits}f}", justify="right")

    verdict = _verdict(row)
    style = {1: palette.right, -1: palette.wrong, 0: palette.muted}[verdict]
    interval = Text("", palette.muted)
    if row.ci_low is not None and row.ci_high is not None:
        ends = [signed(end * factor, digits) for end in (row.ci_low, row.ci_high)]
        interval = Text(" … ".join(ends), palette.muted)
    delta = Text("–" if row.delta is None else signed(row.delta * factor, digits), style)
    said = {1: "B better", -1: "A better", 0: "open" if row.ci_low is not None else ""}[verdict]
    name = Text(_NAMES.get(row.name, row.name))
    return [name, figure(row.a), figure(row.b), delta, interval, Text(said, style)]


def _verdict(row: MetricDifference) -> int:
    """1 where the whole interval says B is better, -1 A, 0 undecided."""
    if row.ci_low is None or row.ci_high is None or row.ci_low <= 0 <= row.ci_high:
        return 0
    better = row.ci_low > 0
    return 1 if better != (row.name in LOWER_IS_BETTER) else -1


def _drawn(row: MetricDifference, width: int, palette: Palette) -> Text:
    """The interval on its own axis about zero, improvement to the right."""
    if row.ci_low is None or row.ci_high is None or row.delta is None:
        return Text()
    flip = -1 if row.name in LOWER_IS_BETTER else 1
    ends = sorted((row.ci_low * flip, row.ci_high * flip))
    return interval_about_zero(ends[0], row.delta * flip, ends[1], width, palette)


def interval_about_zero(
    low: float, value: float, high: float, width: int, palette: Palette, reach: float | None = None
) -> Text:
    """`····├──●──┤···│`: zero in the middle, `reach` at the ends (default: what the row needs)."""
    reach = reach or max(abs(low), abs(high)) * 1.1 or 1.0
    middle = width // 2

    def cell(x: float) -> int:
        return max(0, min(width - 1, round(middle + x / reach * middle)))

    style = palette.muted if low <= 0 <= high else (palette.right if low > 0 else palette.wrong)
    text = Text(no_wrap=True)
    for place in range(width):
        if place == cell(value):
            text.append("●", style + Style(bold=True))
        elif cell(low) <= place <= cell(high):
            text.append("━", style)
        elif place == middle:
            text.append("│", palette.muted)
        else:
            text.append("·", palette.faint)
    return text
