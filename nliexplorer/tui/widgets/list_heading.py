"""Above the list of examples: its columns, which pair is in view, and how many pass the filter."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from nliexplorer.tui.theme import palette_for
from nliexplorer.view.pair import LETTERS
from nliexplorer.view.palette import Palette


class ListHeading(Static):
    """Columns as in `row_text`; at the right end `41 · 121 of 1,500 · 8.1 %`."""

    two_runs: reactive[bool] = reactive(False)
    further: reactive[int] = reactive(0)  # runs after B
    place: reactive[int | None] = reactive(None)  # of the pair in view, from 0
    hits: reactive[str] = reactive("")
    marked: reactive[int] = reactive(0)

    class SortWanted(Message):
        """A column that lists can be sorted by was clicked."""

        def __init__(self, field: str) -> None:
            super().__init__()
            self.field = field

    def on_click(self, event: events.Click) -> None:
        plain = _columns(self.two_runs, self.further, Palette()).plain
        for field in ("conf", "len"):
            start = plain.index(f" {field}")
            if start <= event.x <= start + len(field):
                self.post_message(self.SortWanted(field))

    def render(self) -> Text:
        palette = palette_for(self.app.current_theme, self.app.no_color)
        text = _columns(self.two_runs, self.further, palette)
        at = "" if self.place is None else f"{self.place + 1:,}"
        room = self.size.width - text.cell_len - 1
        marked = f"{self.marked:,} marked" if self.marked else ""
        for parts in ((marked, at, self.hits), (marked, self.hits), (self.hits,)):
            status = " · ".join(filter(None, parts))
            if len(status) + 2 <= room:
                text.append(status.rjust(room), palette.muted)
                break
        return text


def _columns(two_runs: bool, further: int, palette: Palette) -> Text:
    text = Text(" gold  ", palette.muted, no_wrap=True)
    text.append("A", palette.run(0))
    text.append("   ")
    if two_runs:
        text.append("B", palette.run(1))
        text.append("   ")
    for index in range(2, 2 + further):
        text.append(LETTERS[index], palette.run(index)).append("   ")
    text.append(" conf  len  hypothesis ‹ premise")
    return text
