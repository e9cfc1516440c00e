"""Copies of tables and pictures: text, Markdown, SVG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nliexplorer.view.text import visible

#: Fixed-width fonts that have block and braille characters, where there is one.
FONTS = '"DejaVu Sans Mono", Menlo, "Cascadia Mono", Consolas, "Liberation Mono", monospace'


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; every row is as long as `columns`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """Columns side by side, two spaces apart."""
        lines = [[visible(cell) for cell in row] for row in (self.columns, *self.rows)]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in lines
        )

    def markdown(self) -> str:
        """A pipe table, as GitHub reads it."""
        lines = [f"| {' | '.join(map(_escaped, row))} |" for row in (self.columns, *self.rows)]
        lines.insert(1, "|" + "---|" * len(self.columns))
        return "\n".join(lines)


def _escaped(cell: str) -> str:
    return visible(cell).replace("\\", "\\\\").replace("|", "\\|") or " "


def unused(name: str) -> str:
    """`name`, or `name` with a number before its suffix if such a file exists."""
    path, number = Path(name), 2
    while path.exists():
        path = Path(name).with_stem(f"{Path(name).stem}-{number}")
        number += 1
    return str(path)


def portable_svg(svg: str) -> str:
    """The picture of a terminal without fonts from the network, in a local fixed-width font.

    Every run of text has its length, so columns stay in line. What does not change the picture is
    left out, which makes it a third of the size: the clip path of each line, line breaks as text,
    and the borders between neighbouring cells of one colour.
    """
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    svg = re.sub(r'<clipPath id="[^"]*-line-\d+">.*?</clipPath>\s*', "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="url\(#[^)]*-line-\d+\)"', "", svg)
    svg = re.sub(r"<text [^>]*>\s*</text>", "\n", svg).replace("&#160;", "\xa0")
    return _CELLS.sub(_merged, svg)


#: The backgrounds of neighbouring cells, and one of them, as Rich writes it.
_CELLS = re.compile(r'(?:<rect [^>]*shape-rendering="crispEdges"/>)+')
_CELL = re.compile(r'<rect fill="([^"]*)" x="([^"]*)" y="([^"]*)" width="([^"]*)" ([^>]*)/>')


def _merged(cells: re.Match[str]) -> str:
    """The same area in fewer rectangles: neighbours of one colour become one."""
    areas: list[tuple[str, str, str, float, float]] = []
    for fill, x, y, width, rest in _CELL.findall(cells.group()):
        left, right = float(x), float(x) + float(width)
        if areas and areas[-1][:2] == (fill, y) and abs(areas[-1][4] - left) < 0.05:
            left = areas.pop()[3]
        areas.append((fill, y, rest, left, right))
    return "".join(
        f'<rect fill="{fill}" x="{left:.6g}" y="{y}" width="{right - left:.6g}" {rest}/>'
        for fill, y, rest, left, right in areas
    )
