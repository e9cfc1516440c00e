"""Line and point plots in braille: 2 x 4 dots a cell, axes with figures, any number of series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))

#: Letters along a line that has them.
_MARKS = 3
#: Of cells that two series share: the terminal's own ink, which is neither one's colour.
SHARED = Style(bold=True)


@dataclass(frozen=True, slots=True)
class Series:
    """Points in data units; `joined` draws the line between neighbours.

    `mark`: a letter that stands on the line here and there, where colour does not tell lines apart.
    """

    x: Sequence[float]
    y: Sequence[float]
    style: Style
    joined: bool = True
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Axes:
    """The ranges shown; None takes what the data need."""

    x: tuple[float, float] | None = None
    y: tuple[float, float] | None = None


class Canvas:
    """A grid of braille cells in the style of their dots; `shared` where two styles meet."""

    def __init__(self, width: int, height: int, shared: Style = SHARED) -> None:
        self.width, self.height, self.shared = width, height, shared
        self._cells = [[0] * width for _ in range(height)]
        self._styles: list[list[Style | None]] = [[None] * width for _ in range(height)]
        self._marks: dict[tuple[int, int], str] = {}  # letters by (row, column) of the cell

    def dot(self, column: int, row: int, style: Style) -> None:
        """Set a dot; column 0..2*width-1 from the left, row 0..4*height-1 from the top."""
        if 0 <= column < self.width * 2 and 0 <= row < self.height * 4:
            self._cells[row // 4][column // 2] |= _DOTS[column % 2][row % 4]
            there = self._styles[row // 4][column // 2]
            self._styles[row // 4][column // 2] = style if there in (None, style) else self.shared

    def line(self, start: tuple[int, int], end: tuple[int, int], style: Style) -> None:
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            share = step / steps
            self.dot(
                round(start[0] + (end[0] - start[0]) * share),
                round(start[1] + (end[1] - start[1]) * share),
                style,
            )

    def mark(self, column: int, row: int, letter: str) -> bool:
        """A letter in the cell of this dot; False where there is one already."""
        place = (row // 4, column // 2)
        return self._marks.setdefault(place, letter) == letter

    def rows(self) -> list[Text]:
        lines = []
        for row, (cells, styles) in enumerate(zip(self._cells, self._styles, strict=True)):
            line = Text(no_wrap=True)
            for column, (cell, style) in enumerate(zip(cells, styles, strict=True)):
                letter = self._marks.get((row, column))
                line.append(letter or (chr(0x2800 + cell) if cell else " "), style or "")
            lines.append(line)
        return lines


def plot(
    series: Sequence[Series],
    width: int,
    height: int,
    axis: Style,
    axes: Axes | None = None,
    x_name: str = "",
) -> Text:
    """A plot of `width` x `height` cells with figures at the ends of both axes."""
    axes = axes or Axes()
    points = [_finite(each) for each in series]
    if not any(points) or width < 16 or height < 3:
        return Text("nothing to draw yet", axis)
    x_range = axes.x or _range([x for part in points for x, _ in part])
    y_range = axes.y or _range([y for part in points for _, y in part])
    labels = [_figure(value) for value in (y_range[1], sum(y_range) / 2, y_range[0])]
    if axes.y is None and _is_one([y for part in points for _, y in part]):
        labels[0] = labels[2] = ""
    margin = max(map(len, labels))
    canvas = Canvas(width - margin - 1, height - 2)
    for number, (each, part) in enumerate(zip(series, points, strict=True)):
        dots = _draw(canvas, each, part, x_range, y_range)
        if each.mark:
            _mark(canvas, each.mark, dots, number, len(series))
    ends = [_figure(value) for value in x_range]
    if axes.x is None and _is_one([x for part in points for x, _ in part]):
        ends, x_name = ["", ""], f"{x_name} {_figure(sum(x_range) / 2)}".strip()
    return _framed(canvas, labels, margin, axis, ends, x_name)


def _framed(
    canvas: Canvas,
    labels: Sequence[str],
    margin: int,
    axis: Style,
    ends: Sequence[str],
    x_name: str,
) -> Text:
    rows = canvas.rows()
    marks = {0: labels[0], len(rows) // 2: labels[1], len(rows) - 1: labels[2]}
    text = Text(no_wrap=True)
    for number, row in enumerate(rows):
        text.append(f"{marks.get(number, ''):>{margin}}", axis)
        text.append("┤" if marks.get(number) else "│", axis)
        text.append_text(row)
        text.append("\n")
    text.append(" " * margin + "└" + "─" * canvas.width + "\n", axis)
    left, right = ends
    middle = x_name.center(canvas.width - len(left) - len(right))
    text.append(f"{' ' * (margin + 1)}{left}{middle}{right}", axis)
    return text


def _draw(
    canvas: Canvas,
    series: Series,
    points: list[tuple[float, float]],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
) -> list[tuple[int, int]]:
    """Where its points are."""
    wide, high = canvas.width * 2 - 1, canvas.height * 4 - 1
    previous: tuple[int, int] | None = None
    dots = []
    for x, y in points:
        where = (
            round((x - x_range[0]) / (x_range[1] - x_range[0]) * wide),
            round((y_range[1] - y) / (y_range[1] - y_range[0]) * high),
        )
        if series.joined and previous:
            canvas.line(previous, where, series.style)
        else:
            canvas.dot(*where, series.style)
        previous = where
        dots.append(where)
    return dots


def _mark(
    canvas: Canvas, letter: str, dots: Sequence[tuple[int, int]], number: int, of: int
) -> None:
    """Letters along the line of series `number` of so many, those of each in other places."""
    for part in range(_MARKS):
        start = int(len(dots) * (part + (number + 0.5) / of) / _MARKS)
        next((dot for dot in dots[start:] if canvas.mark(*dot, letter)), None)


def _finite(series: Series) -> list[tuple[float, float]]:
    pairs = zip(series.x, series.y, strict=True)
    return [(x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _is_one(values: Sequence[float]) -> bool:
    """Whether all are one value: it is drawn in the middle, and the ends have no figures."""
    return min(values) == max(values)


def _figure(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:.3g}"


def smoothed(values: Sequence[float], window: int) -> list[float]:
    """A centred running mean; the ends use the part of the window that exists."""
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    half = window // 2
    means = []
    for index in range(len(values)):
        low, high = max(0, index - half), min(len(values), index + half + 1)
        means.append((sums[high] - sums[low]) / (high - low))
    return means
