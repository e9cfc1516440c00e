"""Small bars and sparklines made of eighth blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = "▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> str:
    """A horizontal bar of `share` (0..1) of `width` cells, padded to the width."""
    if not math.isfinite(share):
        return " " * width
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    if share > 0 and eighths == 0 and width:
        eighths = 1
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def interval_bar(
    share: float, low: float, high: float, width: int, style: Style, marker: float | None = None
) -> Text:
    """A bar of `share` that thins over its interval: `█` sure, `▓` up to the value, `░` beyond.

    `marker` (0..1) is drawn as `┃` across the bar, such as the confidence to compare it with.
    """

    def cell(x: float) -> int:
        return round(max(0.0, min(1.0, x)) * width)

    mark = None if marker is None else min(cell(marker), width - 1)
    text = Text(no_wrap=True)
    for place in range(width):
        if place == mark:
            text.append("┃", Style(bold=True))
        elif place < cell(low):
            text.append("█", style)
        elif place < cell(share):
            text.append("▓", style)
        elif place < cell(high):
            text.append("░", style)
        else:
            text.append(" ")
    return text


def sparkline(values: Sequence[float], width: int) -> str:
    """`values` in at most `width` cells: each cell the mean of its share of them."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite or width <= 0:
        return ""
    cells = min(width, len(finite))
    means = [
        sum(part) / len(part)
        for index in range(cells)
        if (part := finite[index * len(finite) // cells : (index + 1) * len(finite) // cells])
    ]
    low, high = min(means), max(means)
    span = high - low
    if not span:
        return _HEIGHTS[3] * len(means)
    return "".join(_HEIGHTS[round((mean - low) / span * 7)] for mean in means)


def percent(value: float | None, digits: int = 1) -> str:
    """A share as a right-aligned per cent figure; '–' where it is not known."""
    return "–" if value is None or value != value else f"{value * 100:.{digits}f}"


def seconds(value: float | None) -> str:
    """A readable duration: 8.4 s, 3 min 20 s, 2 h 05 min."""
    if value is None or not math.isfinite(value):
        return "–"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
