"""The first pairs that Enter would open, below the cell, slice or word that names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.message import Message
from textual.widget import Widget

from nliexplorer.tui.theme import palette_for
from nliexplorer.tui.widgets.example_list import ListRow, row_text
from nliexplorer.view.text import visible


@dataclass(frozen=True, slots=True)
class Preview:
    """`name` says which pairs these are, `rows` are the first of them in `order`."""

    name: str
    rows: Sequence[ListRow]
    two_runs: bool
    order: str = "in order"


class PreviewPane(Widget):
    """Only to look at: Enter in the widget above opens the pairs."""

    class Resized(Message):
        """There is room for another number of pairs."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: Preview | None = None

    @property
    def room(self) -> int:
        """How many pairs fit; 0 on a terminal too short for a preview."""
        return max(0, self.size.height - 1) if self.display else 0

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    def show(self, preview: Preview | None) -> None:
        self._shown = preview
        self.refresh()

    def render(self) -> Text:
        if not self._shown:
            return Text()
        palette = palette_for(self.app.current_theme, self.app.no_color)
        text = Text(no_wrap=True, overflow="ellipsis").append("⏎ ", palette.warning)
        text.append(visible(self._shown.name), palette.muted)
        if self._shown.order != "in order":
            text.append(f" · {self._shown.order} first", palette.faint)
        for row in self._shown.rows[: self.room]:
            text.append("\n")
            text.append_text(row_text(row, self._shown.two_runs, self.size.width, palette))
        return text
