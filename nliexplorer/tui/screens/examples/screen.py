"""The screen of pairs: filter, list, and the pair in view with each run's heatmap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.timer import Timer

from nliexplorer.errors import NliError
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui import queries
from nliexplorer.tui.copying import unused
from nliexplorer.tui.queries import PairData
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.screens.examples.annotations import Annotations
from nliexplorer.tui.screens.examples.navigation import Navigation
from nliexplorer.tui.screens.examples.sorting import Order, in_words, next_order, order_by
from nliexplorer.tui.screens.prompt import Prompt
from nliexplorer.tui.state import Ids, Selection
from nliexplorer.tui.widgets.example_list import PAGE, ExampleList, ListRow
from nliexplorer.tui.widgets.list_heading import ListHeading
from nliexplorer.tui.widgets.pair_pane import PairPane, pair_table
from nliexplorer.workflow.export import export_rows

#: A held arrow key (30 a second) passes pairs faster than this; only the last one is read.
SETTLE_SECONDS = 0.04


@dataclass
class ExamplesState:
    """The screen's state apart from its widgets."""

    ids: Ids | None = None  # A's prediction ids in the order of the list
    errors: Ids | None = None  # positions of A's errors, once asked for
    pair: PairData | None = None  # in view
    filtered_by: tuple[object, object] | None = None  # filter and subset of the list
    target: str = "gold"  # the class that is explained: gold or predicted


class ExamplesScreen(ExplorerScreen):
    MODE = "examples"
    AUTO_FOCUS = "#list"
    LOADING = ""  # the list fills as it is read
    LIVE_FILTER = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "error(1)", "Error", key_display="n/p", tooltip="next error"),
        Binding("p", "error(-1)", "Error", show=False, tooltip="previous error"),
        Binding("d", "difference", "Δ", tooltip="show or hide the difference row"),
        Binding("o", "order", "Order", show=False, tooltip="order of the pairs"),
        Binding("E", "target", "Class", show=False, tooltip="explain the gold or predicted class"),
        Binding("space", "annotate('mark')", "Mark", show=False,
                tooltip="mark the pair: tags and export take the marked pairs"),
        Binding("t", "annotate('tag')", "Tag",
                tooltip="tag the pair or the marked pairs, or remove the tag"),
        Binding("full_stop", "annotate('repeat_tag')", "Again", show=False, key_display=".",
                tooltip="the last tag again"),
        Binding("T", "annotate('tags')", "Tags", show=False,
                tooltip="tags in use, with how many pairs have each"),
        Binding("L", "annotate('relabel')", "Relabel", show=False,
                tooltip="relabel: keys 1 to 3 propose entailment, neutral, contradiction"),
        Binding("e", "annotate('note')", "Note", tooltip="write a note on the pair"),
        Binding("u", "annotate('undo')", "Undo", show=False,
                tooltip="take back the last tag or note"),
        Binding("colon", "jump", "Go to", show=False, key_display=":", tooltip="go to a row or id"),
        Binding("W", "export", "Export", show=False,
                tooltip="write the list or the marked pairs to a CSV, JSONL or Parquet file"),
        Binding("z", "zoom", "Zoom", show=False, tooltip="the pair alone, or with the list"),
        Binding("J,shift+down", "scroll_pair(1)", "Scroll", show=False, tooltip="scroll the pair"),
        Binding("K,shift+up", "scroll_pair(-1)", "Scroll", show=False, tooltip="scroll the pair"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.state = ExamplesState()
        self.annotations = Annotations(self)
        self.navigation = Navigation(self)
        self._settling: Timer | None = None

    def compose_body(self) -> ComposeResult:
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

    @property
    def pair(self) -> PairData | None:
        return self.state.pair

    def depends_on(self, selection: Selection) -> object:
        runs = tuple(run.id for run in selection.all_runs)
        return (runs, selection.split, selection.filter, selection.subset)

    @property
    def loading_now(self) -> bool:
        """Also until the pair under the cursor is shown: most keys act on it."""
        return super().loading_now or (bool(self.rows.total) and self.pair is None)

    # -- the list

    def load(self, selection: Selection) -> None:
        self.heading.two_runs = selection.b is not None
        self.heading.further = len(selection.all_runs[2:])
        at = self._pair_to_stay_at(selection)
        self.state.ids = self.state.errors = self.state.pair = None
        self.rows.reset(0, selection.b is not None)
        self.heading.place, self.heading.hits = None, "…"
        self._say_instead("")
        if selection.subset is None:
            first = partial(queries.first_rows, selection=selection, limit=PAGE)
            self.ask("first", first, self._show_first, self._list_failed)
        self.ask("ids", partial(self._list, selection, at), self._show_ids, self._list_failed)
        self.read_completions()

    def _pair_to_stay_at(self, selection: Selection) -> str | None:
        """Of a step in the history; the same where only runs or split changed; "" for the
        first error."""
        filtered_by = self.state.filtered_by
        self.state.filtered_by = (selection.filter, selection.subset)
        if at := self.explorer.opened_at():
            return at
        if filtered_by is None:
            return "" if selection.filter.is_empty and not selection.subset else None
        if filtered_by != self.state.filtered_by:
            return None
        entry = self.rows.row_at(self.rows.cursor)
        return entry.row.example_id if entry else None

    def _list(self, selection: Selection, at: str | None, reader: StoreReader) -> tuple[Ids, int]:
        """The list's prediction ids, and the position at which it opens."""
        ids = queries.matching_ids(reader, selection)
        if at == "":
            at = queries.first_error(reader, selection)
        return ids, queries.place_of(reader, selection, ids, at)

    def _show_first(self, rows: list[ListRow]) -> None:
        if self.state.ids is None:
            self.rows.reset(len(rows), self.selection.b is not None)
            self.rows.put_page(0, rows)

    def _show_ids(self, listed: tuple[Ids, int]) -> None:
        ids, position = listed
        self.state.ids = ids
        if self.rows.total == 0 or self.pending("first"):
            self.rows.reset(len(ids), self.selection.b is not None, position)
        else:
            self.rows.set_total(len(ids))
            self.rows.refresh()
            if position and not self.rows.cursor:  # nobody has moved meanwhile
                self.rows.move_to(position)
        metrics = self.selection.a and self.selection.a.metrics.get(self.selection.split)
        total = max(metrics.n if metrics else 0, len(ids))
        self.heading.hits = queries.describe(self.selection.filter, len(ids), total)
        if not len(ids):
            self.heading.place = None
            self.nothing_selected = not self.selection.is_whole
            if total:
                self._say_instead("no pair passes this filter", "esc goes back, / changes it")
            else:
                self._say_instead("this run has no pairs here")

    def _say_instead(self, message: str, hint: str = "") -> None:
        self.query_one(PairPane).say(message, hint)

    def _list_failed(self, error: NliError) -> None:
        self.rows.reset(0, self.selection.b is not None)
        self.heading.hits = ""
        self._say_instead(error.message, error.hint)

    def on_example_list_page_wanted(self, event: ExampleList.PageWanted) -> None:
        if self.state.ids is None:
            self.rows.forget_requests()
            return
        ids = self.state.ids[event.page * PAGE : (event.page + 1) * PAGE]
        selection = self.selection
        self.ask(
            f"page-{event.page % 4}",
            lambda reader: queries.rows_of(reader, selection, ids),
            partial(self._show_page, ids, event.page),
        )

    def _show_page(self, ids: Ids, page: int, rows: list[ListRow]) -> None:
        if self.state.ids is not None and np.array_equal(
            ids, self.state.ids[page * PAGE : (page + 1) * PAGE]
        ):
            self.rows.put_page(page, rows)

    def on_example_list_moved(self, event: ExampleList.Moved) -> None:
        if self._settling:
            self._settling.stop()
        self.heading.place = event.index if self.rows.total else None
        if event.row:
            self._settling = self.set_timer(SETTLE_SECONDS, partial(self._read_pair, event.row))

    def on_example_list_opened(self) -> None:
        self.query_one(PairPane).focus()

    # -- the pair

    def _read_pair(self, entry: ListRow) -> None:
        selection, target = self.selection, self.state.target
        self.ask(
            "pair",
            lambda reader: queries.load_pair(reader, selection, entry.row, target),
            self._show_pair,
            lambda error: self._say_instead(error.message, error.hint),
        )

    def _show_pair(self, pair: PairData) -> None:
        self.state.pair = self.explorer.pair_in_view = pair
        self.query_one(PairPane).show(pair, self.rows.cursor, self.rows.total)

    def has_pair(self, to_do: str) -> bool:
        """Whether there is a pair in view; if not, say that the key did nothing."""
        if not self.pair:
            self.notify(f"no pair to {to_do}", timeout=2)
        return self.pair is not None

    # -- tags and notes

    def action_annotate(self, what: str) -> None:
        """One of the methods of `annotations`."""
        getattr(self.annotations, what)()

    def annotated(self) -> None:
        """Tags or a note changed: read the pair and the page in view again."""
        self.read_completions()
        if entry := self.rows.row_at(self.rows.cursor):
            self._read_pair(entry)
            self.rows.reread()

    def on_key(self, event: events.Key) -> None:
        """In the relabel mode, 1 to 3 are labels and not screens."""
        if self.annotations.relabelling and event.key in ("1", "2", "3") and self.pair:
            event.prevent_default().stop()
            self.annotations.propose(int(event.key) - 1)

    # -- moving

    def action_error(self, direction: int) -> None:
        self.navigation.to_error(direction)

    def action_jump(self) -> None:
        self.app.push_screen(Prompt("go to", "a row number, or #id"), self.navigation.jump)

    def action_back(self) -> None:
        """Out of the relabel mode, the marks, the pair in full; else a step back."""
        if self.annotations.relabelling:
            self.annotations.relabel()
        elif self.annotations.marked:
            self.annotations.unmark()
        elif not self.rows.has_focus:
            self.focus_default()
        else:
            super().action_back()

    def action_difference(self) -> None:
        pane = self.query_one(PairPane)
        pane.difference = not pane.difference

    def action_target(self) -> None:
        self.state.target = "predicted" if self.state.target == "gold" else "gold"
        self.notify(f"explaining the {self.state.target} class", timeout=2)
        if entry := self.rows.row_at(self.rows.cursor):
            self._read_pair(entry)

    def action_scroll_pair(self, direction: int) -> None:
        pane = self.query_one(PairPane)
        pane.scroll_relative(y=direction * max(pane.size.height // 2, 1), animate=False)

    def action_zoom(self) -> None:
        self.query_one("#examples").toggle_class("-zoomed")

    # -- taking something out

    def action_order(self) -> None:
        self._sort(next_order(self.selection.filter.sort))

    def on_list_heading_sort_wanted(self, event: ListHeading.SortWanted) -> None:
        self._sort(order_by(event.field, self.selection.filter.sort))

    def _sort(self, order: Order) -> None:
        self.explorer.go(filter=replace(self.selection.filter, sort=order))
        self.notify(f"order: {in_words(order)}", timeout=2)

    def command(self) -> str:
        selection = self.selection
        if not selection.a or selection.subset:
            return ""
        return selection.full_filter.to_command(selection.a.name, split=selection.split)

    def action_export(self) -> None:
        if self.state.ids is None or not len(self.state.ids):
            self.notify("no pairs to export", timeout=2)
            return
        marked = len(self.annotations.marked)
        what = f"{marked:,} marked pairs" if marked else f"{len(self.state.ids):,} pairs"
        prompt = Prompt(f"write {what} to (.csv, .jsonl, .parquet)", "a file", unused("pairs.csv"))
        self.app.push_screen(prompt, self._export)

    def _export(self, name: str | None) -> None:
        if not name or not name.strip() or self.state.ids is None:
            return
        path, ids, selection = Path(name.strip()).expanduser(), self.state.ids, self.selection
        marked = list(self.annotations.marked)

        def write(reader: StoreReader) -> int:
            listed = queries.ids_of(reader, selection, marked) if marked else ids
            return export_rows(reader, listed, path)

        self.ask("export", write, partial(self._exported, path), self.toast)

    def _exported(self, path: Path, n: int) -> None:
        self.notify(f"{n:,} pairs", title=f"written to {path}", markup=False)

    def action_copy(self, markdown: bool) -> None:
        """The pair in view: as text with its heatmap, or as a Markdown table."""
        if self.has_pair("copy") and self.pair:
            pane, table = self.query_one(PairPane), pair_table(self.pair)
            self.app.copy_to_clipboard(table.markdown() if markdown else pane.plain())
            form = "Markdown" if markdown else "text"
            self.notify(f"the pair, as {form}", title="copied", timeout=2)

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
