"""A short list of drawn rows with a cursor: bins, slices, words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Rows(ScrollView, can_focus=True):
    """Posts `Moved` with the cursor and `Opened` on Enter or a second click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("home", "move(-1000000)", "First", show=False),
        Binding("end", "move(1000000)", "Last", show=False),
        Binding("enter", "open", "Open", tooltip="open what the cursor is on"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--blurred"}

    cursor = reactive(0, repaint=False)

    class Moved(Message):
        def __init__(self, rows: Rows, index: int) -> None:
            super().__init__()
            self.rows, self.index = rows, index

        @property
        def control(self) -> Rows:
            return self.rows

    class Opened(Moved):
        pass

    def __init__(self, *, id: str | None = None, cursor_when_blurred: bool = False) -> None:
        super().__init__(id=id)
        self._rows: Sequence[Text] = ()
        self._cursor_when_blurred = cursor_when_blurred

    @property
    def row_count(self) -> int:
        return len(self._rows)

    def show(self, rows: Sequence[Text], cursor: int | None = None) -> None:
        self._rows = rows
        self.virtual_size = Size(self.size.width, len(rows))
        target = self.cursor if cursor is None else cursor
        self.cursor = max(0, min(target, len(rows) - 1))
        self.refresh()

    def action_move(self, by: int) -> None:
        self.cursor = max(0, min(self.cursor + by, len(self._rows) - 1))

    def action_open(self) -> None:
        if self._rows:
            self.post_message(self.Opened(self, self.cursor))

    def watch_cursor(self, new: int) -> None:
        self.scroll_to_region(
            Region(0, new, self.size.width, 1), animate=False, force=True, x_axis=False
        )
        self.refresh()
        self.post_message(self.Moved(self, new))

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if index < len(self._rows):
            self.cursor = index
            if event.chain == 2:
                self.action_open()

    def render_line(self, y: int) -> Strip:
        index, width, base = y + self.scroll_offset.y, self.size.width, self.rich_style
        if not 0 <= index < len(self._rows):
            return Strip.blank(width, base)
        if index == self.cursor and (self.has_focus or self._cursor_when_blurred):
            name = "rows--cursor" if self.has_focus else "rows--blurred"
            base = self.get_component_rich_style(name)
            base += Style(reverse=(self.app.no_color and self.has_focus) or None)
        row = self._rows[index].copy()
        row.truncate(width, overflow="ellipsis")
        line = row.render(self.app.console)
        segments = [Segment(s.text, base + (s.style or Style())) for s in line if s.text != "\n"]
        return Strip(segments).adjust_cell_length(width, base)

    def on_focus(self) -> None:
        self.refresh()
        self.post_message(self.Moved(self, self.cursor))

    def on_blur(self) -> None:
        self.refresh()
