"""A small table of counts whose cells can be walked and opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from nliexplorer.tui.theme import palette_for
from nliexplorer.view.palette import Palette, heat_step


@dataclass(frozen=True, slots=True)
class Grid:
    """`shades`: signed strength of each cell's ground, on a scale of 1."""

    title: Text
    columns: Sequence[tuple[str, Style]]
    rows: Sequence[tuple[str, Style]]
    cells: Sequence[Sequence[str]]
    shades: Sequence[Sequence[float]]
    cell: int = 8  # columns of a cell, and of the names at the side
    side: int = 9


class Matrix(Widget, can_focus=True):
    """Arrow keys walk the cells, over the side edge to the next matrix; Enter posts `Opened`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "walk(-1, 0)", "Up", show=False),
        Binding("down,j", "walk(1, 0)", "Down", show=False),
        Binding("left,h", "walk(0, -1)", "Left", show=False),
        Binding("right,l", "walk(0, 1)", "Right", show=False),
        Binding("enter", "open", "Open", tooltip="open the examples of this cell"),
    ]
    place: reactive[tuple[int, int]] = reactive((0, 0))
    grid: reactive[Grid | None] = reactive(None, layout=True)

    class Walked(Message):
        """Another cell has the cursor."""

        def __init__(self, matrix: Matrix, row: int, column: int) -> None:
            super().__init__()
            self.matrix, self.row, self.column = matrix, row, column

        @property
        def control(self) -> Matrix:
            return self.matrix

    class Opened(Walked):
        pass

    def __init__(self, *, id: str | None = None, place: tuple[int, int] = (0, 0)) -> None:
        super().__init__(id=id)
        self.set_reactive(Matrix.place, place)

    def watch_grid(self, grid: Grid | None) -> None:
        if grid:
            self.styles.min_width = grid.side + grid.cell * len(grid.columns)
            self.styles.height = len(grid.rows) + 2

    def render(self) -> Text:
        palette = palette_for(self.app.current_theme, self.app.no_color)
        text = Text(no_wrap=True)
        if not self.grid:
            return text
        cell, side = self.grid.cell - 1, self.grid.side - 1
        text.append_text(self.grid.title).append("\n").append(" " * self.grid.side)
        for name, style in self.grid.columns:
            text.append(f"{name[:cell]:>{cell}} ", style)
        for number, (name, style) in enumerate(self.grid.rows):
            text.append("\n").append(f"{name[:side]:>{side}} ", style)
            for column in range(len(self.grid.columns)):
                text.append_text(self._cell(number, column, palette))
        return text

    def _cell(self, row: int, column: int, palette: Palette) -> Text:
        assert self.grid
        style = palette.heat(heat_step(self.grid.shades[row][column], 1.0))
        if palette.mono:
            style = Style()
        if self.has_focus and self.place == (row, column):
            style += Style(reverse=True, bold=True)
        return Text(f"{self.grid.cells[row][column]:>{self.grid.cell - 1}} ", style)

    def action_walk(self, down: int, right: int) -> None:
        if not self.grid:
            return
        row, column = self.place[0] + down, self.place[1] + right
        if column < 0:
            self.screen.focus_previous(Matrix)
        elif column >= len(self.grid.columns):
            self.screen.focus_next(Matrix)
        else:
            self.place = (max(0, min(row, len(self.grid.rows) - 1)), column)

    def action_open(self) -> None:
        if self.grid:
            self.post_message(self.Opened(self, *self.place))

    def watch_place(self) -> None:
        self.post_message(self.Walked(self, *self.place))

    def on_focus(self) -> None:
        self.refresh()
        self.post_message(self.Walked(self, *self.place))

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        if not self.grid:
            return
        row, column = event.y - 2, (event.x - self.grid.side) // self.grid.cell
        if 0 <= row < len(self.grid.rows) and 0 <= column < len(self.grid.columns):
            self.place = (row, column)
            if event.chain == 2:
                self.action_open()
