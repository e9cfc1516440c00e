"""The pairs: filter, list, and the one in view with both runs' heatmaps."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.timer import Timer

from nliexplorer.errors import NliError
from nliexplorer.tui import queries
from nliexplorer.tui.annotating import Annotating
from nliexplorer.tui.error_navigation import Walking
from nliexplorer.tui.queries import PairData
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.state import Ids, Selection
from nliexplorer.tui.widgets.example_list import PAGE, ExampleList, ListRow
from nliexplorer.tui.widgets.filter_bar import FilterBar, FilterInput
from nliexplorer.tui.widgets.list_heading import ListHeading
from nliexplorer.tui.widgets.pair_pane import PairPane

#: A held arrow key (30 a second) passes pairs faster; only the one it stops at is read.
SETTLE_SECONDS = 0.04


class ExamplesScreen(Annotating, Walking, ExplorerScreen):
    MODE = "examples"
    AUTO_FOCUS = "#list"
    BINDINGS: ClassVar[list[BindingType]] = [
        # priority: what is typed right behind it reaches the filter, not the list
        Binding("slash", "filter", "Filter", key_display="/", priority=True,
                tooltip="filter the pairs"),
        Binding("n,right_square_bracket", "error(1)", "Error", key_display="n/p",
                tooltip="next error"),
        Binding("p,left_square_bracket", "error(-1)", "Error", show=False,
                tooltip="previous error"),
        Binding("d", "difference", "Δ", tooltip="show or hide the difference row"),
        Binding("o", "target", "Target", show=False, tooltip="explain the gold or predicted class"),
        Binding("t", "tag", "Tag", tooltip="put a tag on the pair, or take it off"),
        Binding("e", "note", "Note", tooltip="write a note on the pair"),
        Binding("u", "undo", "Undo", show=False, tooltip="take back the last tag or note"),
        Binding("y", "copy_pair", "Copy", tooltip="copy the pair as text"),
        Binding("c", "copy_command", "Command", tooltip="copy the equivalent shell command"),
        Binding("colon", "jump", "Go to", show=False, key_display=":", tooltip="go to a row or id"),
        Binding("z", "zoom", "Zoom", show=False, tooltip="the pair alone, or with the list"),
        Binding("J,shift+down", "scroll_pair(1)", "Scroll", show=False, tooltip="scroll the pair"),
        Binding("K,shift+up", "scroll_pair(-1)", "Scroll", show=False, tooltip="scroll the pair"),
        Binding("escape", "back", "List", show=False, tooltip="to the list; out of a subset"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._ids: Ids | None = None
        self._errors: Ids | None = None
        self._known: dict[str, list[str]] = {}
        self._settling: Timer | None = None
        self._target_kind = "gold"
        self._listed: tuple[object, object] | None = None  # filter and subset of the list shown
        self.pair: PairData | None = None
        self.first_shown = 0  # how often a list began to show

    def compose_body(self) -> ComposeResult:
        yield FilterBar(lambda field: self._known.get(field, ()), id="filter-bar")
        with Container(id="examples"):
            with Vertical(id="list-side"):
                yield ListHeading(id="list-heading")
                yield ExampleList(id="list")
            yield PairPane(id="pair")

    @property
    def rows(self) -> ExampleList:
        return self.query_one(ExampleList)

    @property
    def heading(self) -> ListHeading:
        return self.query_one(ListHeading)

    def concern(self, selection: Selection) -> object:
        chosen = tuple(run.id for run in selection.runs)
        return (chosen, selection.split, selection.filter, selection.subset)

    # -- the list

    def load(self, selection: Selection) -> None:
        self.query_one(FilterBar).show_filter(selection.filter)
        self.heading.two_runs = selection.b is not None
        self._ids = self._errors = None
        wanted = self._in_view(selection)
        if not isinstance(self.focused, FilterInput):
            self.set_focus(self.rows)
        if selection.subset is None:
            self.ask("first", partial(self._first, selection), self._show_first, self._list_failed)
        self.ask("ids", partial(self._all, selection, wanted), self._show_ids, self._list_failed)
        self.ask("known", lambda r: queries.known_values(r, self.explorer.runs), self._known.update)

    def _in_view(self, selection: Selection) -> str | None:
        """The pair to stay at where only runs or split changed; "" for the first error."""
        listed, self._listed = self._listed, (selection.filter, selection.subset)
        if listed is None:
            return "" if selection.filter.is_empty and not selection.subset else None
        if listed != self._listed:
            return None
        entry = self.rows.row_at(self.rows.cursor)
        return entry.row.example_id if entry else None

    def _first(self, selection: Selection, reader: Any) -> list[ListRow]:
        return queries.first_rows(reader, selection, PAGE)

    def _all(self, selection: Selection, wanted: str | None, reader: Any) -> tuple[Ids, int]:
        """The list's prediction ids, and where in it to begin."""
        ids = queries.matching_ids(reader, selection)
        if wanted == "":
            wanted = queries.first_error(reader, selection)
        return ids, queries.place_of(reader, selection, ids, wanted)

    def _show_first(self, rows: list[ListRow]) -> None:
        if self._ids is None:
            self.rows.reset(len(rows), self.selection.b is not None)
            self.rows.put_page(0, rows)
            self.first_shown += 1
            self._say_hits("…")

    def _show_ids(self, found: tuple[Ids, int]) -> None:
        ids, place = found
        fresh = self.rows.total == 0 or self._ids is not None
        self._ids = ids
        if fresh or "first" in self._tickets:
            self.rows.reset(len(ids), self.selection.b is not None, place)
            self.first_shown += 1
        else:
            self.rows.set_total(len(ids))
            self.rows.refresh()
            if place and not self.rows.cursor:  # nobody has moved meanwhile
                self.rows.move_to(place)
        metrics = self.selection.a and self.selection.a.metrics.get(self.selection.split)
        total = max(metrics.n if metrics else 0, len(ids))
        self._say_hits(queries.describe(self.selection.filter, len(ids), total))
        if not len(ids):
            self.pair = self.heading.place = None
            hint = "no pair passes this filter" if total else "this run has no pairs here"
            self.query_one(PairPane).say(hint, "press / and change it" if total else "")

    def _say_hits(self, text: str) -> None:
        self.heading.hits = text

    def _list_failed(self, error: NliError) -> None:
        self.rows.reset(0, self.selection.b is not None)
        self._say_hits("")
        self.query_one(PairPane).say(error.message, error.hint)

    def on_example_list_page_wanted(self, event: ExampleList.PageWanted) -> None:
        if self._ids is None:
            self.rows.forget_requests()
            return
        ids = self._ids[event.page * PAGE : (event.page + 1) * PAGE]
        chosen = self.selection
        self.ask(
            f"page-{event.page % 4}",
            lambda reader: queries.rows_of(reader, chosen, ids),
            partial(self._show_page, ids, event.page),
        )

    def _show_page(self, ids: Ids, page: int, rows: list[ListRow]) -> None:
        if self._ids is not None and np.array_equal(
            ids, self._ids[page * PAGE : (page + 1) * PAGE]
        ):
            self.rows.put_page(page, rows)

    def on_example_list_moved(self, event: ExampleList.Moved) -> None:
        if self._settling:
            self._settling.stop()
        self.heading.place = event.index
        if event.row:
            self._settling = self.set_timer(SETTLE_SECONDS, partial(self._read_pair, event.row))

    def on_example_list_opened(self) -> None:
        self.query_one(PairPane).focus()

    # -- the pair

    def _read_pair(self, entry: ListRow) -> None:
        chosen, kind = self.selection, self._target_kind
        self.ask(
            "pair",
            lambda reader: queries.load_pair(reader, chosen, entry.row, kind),
            self._show_pair,
            lambda error: self.query_one(PairPane).say(error.message, error.hint),
        )

    def _show_pair(self, pair: PairData) -> None:
        self.pair = self.explorer.pair_in_view = pair
        self.query_one(PairPane).show(pair, self.rows.cursor, self.rows.total)

    def annotated(self) -> None:
        """Tags or the note of a pair changed: read the pair and its page again."""
        if entry := self.rows.row_at(self.rows.cursor):
            self._read_pair(entry)
            self.rows.post_message(ExampleList.PageWanted(self.rows.cursor // PAGE))

    # -- keys

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        if event.filter != self.selection.filter:
            self.explorer.select(filter=event.filter)

    def on_filter_input_left(self) -> None:
        self.set_focus(self.rows)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A slash typed into the filter is a slash."""
        if action == "filter" and isinstance(self.focused, FilterInput):
            return False
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        self.set_focus(self.query_one(FilterBar).input)

    def action_back(self) -> None:
        """Back to the list; from the list, out of the subset that another screen opened."""
        if self.rows.has_focus and self.selection.subset:
            self.explorer.select(subset=None)
        self.set_focus(self.rows)

    def action_difference(self) -> None:
        pane = self.query_one(PairPane)
        pane.difference = not pane.difference

    def action_target(self) -> None:
        self._target_kind = "predicted" if self._target_kind == "gold" else "gold"
        self.notify(f"explaining the {self._target_kind} class", timeout=2)
        if entry := self.rows.row_at(self.rows.cursor):
            self._read_pair(entry)

    def action_scroll_pair(self, direction: int) -> None:
        pane = self.query_one(PairPane)
        pane.scroll_relative(y=direction * max(pane.size.height // 2, 1), animate=False)

    def action_zoom(self) -> None:
        self.query_one("#examples").toggle_class("-zoomed")

    def action_copy_command(self) -> None:
        chosen = self.selection
        if chosen.a and chosen.subset:
            said = "the command line has no filter for it; esc leaves it"
            self.notify(said, title=chosen.subset.name, severity="warning", markup=False)
        elif chosen.a:
            command = chosen.filter.to_command(chosen.a.name, split=chosen.split)
            self.app.copy_to_clipboard(command)
            self.notify(command, title="copied", markup=False)

    def action_copy_pair(self) -> None:
        if self.has_pair("copy"):
            self.app.copy_to_clipboard(self.query_one(PairPane).plain())
            self.notify("the pair, as text", title="copied", timeout=2)

    def look_changed(self) -> None:
        self.heading.refresh()
        self.rows.refresh()
        self.query_one(PairPane).redraw()

    def as_dict(self) -> dict[str, Any]:
        first = [self.rows.row_at(i) for i in range(min(self.rows.total, self.rows.size.height))]
        return {
            "matching": self.rows.total,
            "rows": [entry.row.as_dict() for entry in first if entry],
            "pair": self.pair.as_dict() if self.pair else None,
        }
