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
    """The picture without fonts from the network, in a local fixed-width font.

    Every run of text has its length, so columns stay in line.
    """
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return svg.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
