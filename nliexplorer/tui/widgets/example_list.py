"""The virtual list: any number of rows, only the visible ones drawn, pages fetched when seen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
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

from nliexplorer.records import ExampleRow, is_correct
from nliexplorer.tui.theme import palette_for
from nliexplorer.view.palette import Palette
from nliexplorer.view.text import visible

PAGE = 64
PAGES_KEPT = 64


@dataclass(frozen=True, slots=True)
class ListRow:
    """A pair with what A, B where it has it, and further runs predicted."""

    row: ExampleRow
    other: int | None = None
    more: tuple[int | None, ...] = ()


class ExampleList(ScrollView, can_focus=True):
    """Shows `total` rows; posts `PageWanted` for pages it lacks, `Moved` with the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "jump(0)", "First", show=False),
        Binding("end,G", "jump(-1)", "Last", show=False),
        Binding("enter", "open", "Read", show=False, tooltip="read the pair in full"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"list--cursor", "list--row", "list--odd"}

    cursor = reactive(0, repaint=False)
    marked: reactive[frozenset[str]] = reactive(frozenset())  # example ids

    class PageWanted(Message):
        def __init__(self, page: int) -> None:
            super().__init__()
            self.page = page

    class Moved(Message):
        def __init__(self, index: int, row: ListRow | None) -> None:
            super().__init__()
            self.index, self.row = index, row

    class Opened(Message):
        pass

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pages: OrderedDict[int, Sequence[ListRow]] = OrderedDict()
        self._asked: set[int] = set()
        self._jumped = False  # whether the cursor came here from out of sight
        self.total = 0
        self.two_runs = False

    def reset(self, total: int, two_runs: bool, cursor: int = 0) -> None:
        """Another set of rows: forget the pages, go to `cursor`."""
        self._pages.clear()
        self._asked.clear()
        self.two_runs = two_runs
        self.set_total(total)
        self.cursor = cursor
        self._show_cursor()
        self.refresh()
        self._want_visible()

    def set_total(self, total: int) -> None:
        self.total = total
        self.virtual_size = Size(self.size.width, total)

    def put_page(self, page: int, rows: Sequence[ListRow]) -> None:
        self._pages[page] = rows
        self._asked.discard(page)
        while len(self._pages) > PAGES_KEPT:
            self._pages.popitem(last=False)
        self.refresh()
        if page == self.cursor // PAGE:
            self.post_message(self.Moved(self.cursor, self.row_at(self.cursor)))

    def row_at(self, index: int) -> ListRow | None:
        rows = self._pages.get(index // PAGE)
        if rows is None or index % PAGE >= len(rows):
            return None
        return rows[index % PAGE]

    def forget_requests(self) -> None:
        """The page asked for will not come (its query was overtaken or failed)."""
        self._asked.clear()

    def reread(self) -> None:
        """Something in the rows changed: ask for the visible pages again."""
        top, bottom = self.scroll_offset.y, self.scroll_offset.y + self.size.height
        for page in list(self._pages):
            if page * PAGE <= bottom and top < (page + 1) * PAGE:
                self.post_message(self.PageWanted(page))
            else:
                del self._pages[page]

    # -- moving

    def action_move(self, by: int) -> None:
        self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        self.move_to(self.cursor + by * max(self.size.height - 1, 1))

    def action_jump(self, index: int) -> None:
        self.move_to(index if index >= 0 else self.total + index)

    def action_open(self) -> None:
        if self.total:
            self.post_message(self.Opened())

    def move_to(self, index: int) -> None:
        self.cursor = max(0, min(index, self.total - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        self._refresh_row(old)
        self._refresh_row(new)
        self._show_cursor()
        self._want_visible()
        self.post_message(self.Moved(new, self.row_at(new)))

    def _show_cursor(self, resized: bool = False) -> None:
        """A step scrolls by a row; a jump brings its neighbours along, also in another size."""
        top = self.scroll_offset.y
        far = not top - 1 <= self.cursor <= top + self.size.height
        self._jumped = far or (resized and self._jumped)
        row = Region(0, self.cursor, self.size.width, 1)
        self.scroll_to_region(row, center=self._jumped, animate=False, force=True, x_axis=False)

    def _refresh_row(self, index: int) -> None:
        self.refresh(Region(0, index - self.scroll_offset.y, self.size.width, 1))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._want_visible()

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, self.total)
        self._show_cursor(resized=True)
        self._want_visible()

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if index < self.total:
            self.move_to(index)
            if event.chain == 2:
                self.post_message(self.Opened())

    def _want_visible(self) -> None:
        if not self.total or not self.size.height:
            return
        first = max(0, self.scroll_offset.y) // PAGE
        last = min(self.scroll_offset.y + self.size.height, self.total - 1) // PAGE
        for page in {first, last, self.cursor // PAGE}:
            if page in self._pages:
                self._pages.move_to_end(page)
            elif page not in self._asked:
                self._asked.add(page)
                self.post_message(self.PageWanted(page))

    # -- drawing

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        width = self.size.width
        base = self.rich_style
        if not 0 <= index < self.total:
            return Strip.blank(width, base)
        row = self.row_at(index)
        palette = palette_for(self.app.current_theme, self.app.no_color)
        if row is None:
            text = Text("  ·" * 3, palette.faint)
        else:
            text = row_text(row, self.two_runs, width, palette)
            if row.row.example_id in self.marked:
                text = Text("▌", palette.warning).append_text(text[1:])
        if index == self.cursor:
            name = "list--cursor" if self.has_focus else "list--row"
            base = self.get_component_rich_style(name)
            base += Style(reverse=palette.mono and self.has_focus, bold=palette.mono or None)
        line = text.render(self.app.console)
        segments = [Segment(s.text, base + (s.style or Style())) for s in line if s.text != "\n"]
        return Strip(segments).adjust_cell_length(width, base).simplify()

    def on_focus(self) -> None:
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        self._refresh_row(self.cursor)


#: One column a label; non-entailment is not the N of neutral.
_LETTERS: dict[int | None, str] = {None: "–", 0: "E", 1: "N", 2: "C", 3: "¬"}


def row_text(entry: ListRow, two_runs: bool, width: int, palette: Palette) -> Text:
    """gold, what A and B said, A's confidence, length, then the sentences as far as they go."""
    row = entry.row
    text = Text("  ", no_wrap=True)
    text.append(_LETTERS[row.gold], palette.label(row.gold))
    text.append("    ")
    _append_prediction(text, row.predicted, row.gold, palette)
    if two_runs:
        _append_prediction(text, entry.other, row.gold, palette)
    for predicted in entry.more:
        _append_prediction(text, predicted, row.gold, palette)
    confidence = "    –" if row.confidence is None else f"{row.confidence * 100:5.1f}"
    text.append(f"{confidence}  {row.length:3d}  ", palette.muted)
    if row.tags:
        text.append("⚑ ", palette.warning)
    text.append(visible(row.hypothesis))
    if text.cell_len < width:
        text.append(" ‹ ", palette.faint)
        text.append(visible(row.premise), palette.muted)
    text.truncate(max(width - 1, 1), overflow="ellipsis")
    return text


def _append_prediction(
    text: Text, predicted: int | None, gold: int | None, palette: Palette
) -> None:
    if predicted is None:
        text.append("–   ", palette.faint)
        return
    text.append(_LETTERS[predicted], palette.label(predicted))
    if gold is None or is_correct(predicted, gold):
        text.append("   ")
    else:
        text.append("✗  ", palette.wrong)
