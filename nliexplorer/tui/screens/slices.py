"""Error rates by slice, all runs side by side; a row opens its pairs, and can be kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input, Static

from nliexplorer.analysis.slicing import slice_keys
from nliexplorer.analysis.verdict import FEW_PAIRS
from nliexplorer.comparison.slices import (
    SURPRISING,
    WORDED_PAIRS,
    Cut,
    SlicedRuns,
    SliceRow,
    slice_runs,
)
from nliexplorer.errors import NliError
from nliexplorer.store.filters import parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.copying import Table
from nliexplorer.tui.queries import paired_runs
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.screens.prompt import Prompt
from nliexplorer.tui.state import Selection, Subset
from nliexplorer.tui.widgets.preview import PreviewPane
from nliexplorer.tui.widgets.rows import Rows
from nliexplorer.tui.widgets.slice_rows import (
    headings,
    is_cut,
    key_line,
    run_count,
    shown_runs,
    slice_rows,
)
from nliexplorer.view.bars import percent
from nliexplorer.view.differences import Links
from nliexplorer.view.pair import LETTERS
from nliexplorer.view.palette import signed
from nliexplorer.view.text import visible

FIRST = "length"  # what pairs are cut by at first
SIDE = "#slice-side"
#: Screen height under which the heading is one line and the key is left out.
LOW = 20


#: What keys are called on the screen, where their names would not say it.
PLAIN_WORDS = {SURPRISING: "where A and B differ"}
#: Rows of the slices where the runs differ most.
_SURPRISING_ROWS = 30


def cut_by(sliced: SlicedRuns, key: str) -> Cut:
    """The slices of `key`, or with SURPRISING those where the runs differ most."""
    if key == SURPRISING:
        return sliced.surprising(_SURPRISING_ROWS)
    (cut,) = sliced.cuts([key])
    return cut


ORDERS = ("as cut", "B worse", "B better", "smallest q", "largest", "most errors")
#: The orders that the headings of columns choose; that of a run's difference has its letter.
_ORDER_OF = {"slice": "as cut", "n": "largest", "95 % interval": "smallest q"}


def ordered(
    rows: Sequence[SliceRow], order: str, run: int = 1, errors_of: int = 0
) -> tuple[SliceRow, ...]:
    """The slices in one of ORDERS, B being this run, errors those of run `errors_of`; slices
    without a difference, and of errors those of few pairs, come last."""

    def place(row: SliceRow) -> float:
        if order == "most errors":
            return row.n < FEW_PAIRS or -(row.errors[errors_of].error_rate or 0.0)
        difference = row.differences[run - 1] if row.differences else None
        if order == "largest":
            return -row.n
        if difference is None:
            return math.inf
        if order == "smallest q":
            return difference.q
        return -difference.delta if order == "B worse" else difference.delta

    return tuple(rows) if order == ORDERS[0] else tuple(sorted(rows, key=place))


class SlicesScreen(ExplorerScreen):
    MODE = "slices"
    LOADING = "reading the pairs and slicing them …"
    AUTO_FOCUS = "#keys"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "order", "Order", tooltip="order of the slices"),
        # priority: the rows would take the arrows
        Binding("right", "scroll_runs(1)", "Runs", key_display="← →", priority=True,
                tooltip="columns of the further runs"),
        Binding("left", "scroll_runs(-1)", "Runs", show=False, priority=True,
                tooltip="columns of the further runs"),
        Binding("f", "keep", "Keep filter", tooltip="keep the current filter by a name"),
        Binding("delete", "forget", "Forget", show=False, tooltip="forget the kept filter"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._sliced: SlicedRuns | None = None
        self._shown: Cut | None = None
        self._keys: list[str] = []
        self._kept: dict[str, str] = {}
        self._order = ORDERS[0]
        self._errors_of = 0  # the run that "most errors" is about
        self._first_run = 1  # the first run after A that has a column, and that rows are ordered by

    def compose_body(self) -> ComposeResult:
        with Container(id="slices"):
            with Vertical(id="slice-keys"):
                yield Static("cut by", classes="heading")
                yield Rows(id="keys", cursor_when_blurred=True)
            with Vertical(id="slice-side"):
                yield Static(id="slice-about", classes="heading")
                yield Static(id="slice-heading")
                yield Rows(id="slice-rows")
                yield Static("", id="slice-key", classes="heading", markup=False)
                yield PreviewPane(id="slice-preview")

    def load(self, selection: Selection) -> None:
        self._sliced = None
        sliced = self.kept(self.explorer.session.results, selection)
        key = self._shown.key if self._shown else FIRST
        self.ask("table", partial(self._read, sliced, key), self._show_table)

    @classmethod
    def compute(cls, reader: StoreReader, selection: Selection) -> SlicedRuns:
        return slice_runs(reader, paired_runs(reader, selection), most_texts=WORDED_PAIRS)

    @staticmethod
    def _read(
        read: Callable[[StoreReader], SlicedRuns], key: str, reader: StoreReader
    ) -> tuple[SlicedRuns, Cut, dict[str, str]]:
        sliced = read(reader)
        paired = sliced.paired
        known = key in sliced.keys or (key == SURPRISING and len(paired.sides) > 1)
        return sliced, cut_by(sliced, key if known else FIRST), reader.annotations.filters()

    def _show_table(self, read: tuple[SlicedRuns, Cut, dict[str, str]]) -> None:
        self._sliced, first, self._kept = read
        surprising = [SURPRISING] if len(self._sliced.paired.sides) > 1 else []
        self._keys = [*self._sliced.keys, *surprising]
        self._show_keys(first.key)
        self._show(first)

    def _show_keys(self, current: str | None = None) -> None:
        rows = [Text(PLAIN_WORDS.get(key, visible(key))) for key in self._keys]
        rows += [Text(f"⚑ {visible(name)}", self.palette.warning) for name in self._kept]
        cursor = self._keys.index(current) if current in self._keys else None
        self.query_one("#keys", Rows).show(rows, cursor)

    def _show(self, cut: Cut) -> None:
        self._first_run = min(self._first_run, max(run_count(cut) - 1, 1))
        cut = replace(cut, rows=ordered(cut.rows, self._order, self._first_run, self._errors_of))
        self._shown = cut
        side = self.query_one(SIDE)
        side.set_class(self.size.height < LOW, "-low")
        width, palette, run = side.size.width, self.palette, self._first_run
        self.query_one("#slice-about", Static).update(self._about(cut))
        line = headings(cut, width, palette, run, self._links)
        self.query_one("#slice-heading", Static).update(line)
        self.query_one("#slice-rows", Rows).show(slice_rows(cut, width, palette, run))
        self._show_key()
        self.refresh_bindings()
        self.preview()

    def _show_key(self) -> None:
        """Below the rows: the whole label under the cursor where it is cut off, and the key."""
        cut, rows, side = self._shown, self.query_one("#slice-rows", Rows), self.query_one(SIDE)
        if cut is None:
            return
        width, palette = side.size.width, self.palette
        label = cut.rows[rows.cursor].label if rows.cursor < len(cut.rows) else ""
        text = Text(visible(label), palette.strong)
        text = text if rows.has_focus and is_cut(label, cut, width) else Text()
        if side.has_class("-low"):  # there is no room for a key
            self.query_one("#slice-about", Static).update(text or self._about(cut))
        lines = [*([text] if text else []), key_line(cut, width, palette, self._first_run)]
        self.query_one("#slice-key", Static).update(Text("\n").join(lines))

    @property
    def _links(self) -> Links:
        """Headings that sort when they are clicked."""
        runs = range(1, run_count(self._shown)) if self._shown else ()
        orders = _ORDER_OF | {f"{LETTERS[run]} − A": "B worse" for run in runs}
        orders |= {LETTERS[run]: "most errors" for run in (0, *runs)}
        action = "screen.order_by({!r}, {!r})".format
        return {name: Style(meta={"@click": action(order, name)}) for name, order in orders.items()}

    def _about(self, cut: Cut) -> Text:
        """What the rows are, and of how many pairs."""
        about = {key.name: key.about for key in slice_keys()}.get(cut.key, cut.key)
        if cut.key == SURPRISING:
            about = "slices, and overlaps of two, where A and B differ most surely"
        text = Text()
        if self._sliced is None:
            return text.append(visible(about))
        paired = self._sliced.paired
        text.append(paired.count, self.palette.strong)
        text.append(" · error rate, %, by ", self.palette.muted).append(visible(about))
        if self._order != ORDERS[0]:
            text.append(f" · {self._order_in_words} first", self.palette.muted)
        if len(paired.sides) > 2:
            width = self.query_one(SIDE).size.width
            for index in (0, *shown_runs(cut, width, self._first_run)):
                text.append("  " if index else "\n")
                text.append(f"{LETTERS[index]} ", self.palette.run(index))
                text.append(visible(paired.names[index]), self.palette.muted)
        if cut.cut_by and len(paired.sides) > 1:
            text.append(f" (of A, {visible(cut.cut_by)})")
        if cut.known < paired.n:
            text.append(f" · known of {cut.known:,} of {paired.n:,} pairs", self.palette.warning)
        for note in paired.notes:
            text.append(f"\n{visible(note)}", self.palette.warning)
        return text

    def look_changed(self) -> None:
        if self._shown:
            self._show_keys()
            self._show(self._shown)

    def on_resize(self) -> None:
        self.call_after_refresh(self.look_changed)

    # -- choosing

    def on_rows_moved(self, event: Rows.Moved) -> None:
        if event.rows.id == "slice-rows":
            self._show_key()
            self.preview()
        if event.rows.id != "keys" or self._sliced is None:
            return
        if event.index < len(self._keys):
            key = self._keys[event.index]
            if self._shown is None or key != self._shown.key:
                cut = partial(cut_by, self._sliced, key)
                self.work("slices", cut, self._show, self._not_sliced)
        elif query := self._kept_at(event.index):
            text = Text("kept filter  ", self.palette.muted).append(visible(query[1]))
            self.query_one("#slice-about", Static).update(text)
            self.preview()

    def _not_sliced(self, error: NliError) -> None:
        self.query_one("#slice-about", Static).update(Text(visible(error.message)))

    def _kept_at(self, index: int) -> tuple[str, str] | None:
        kept = list(self._kept.items())
        place = index - len(self._keys)
        return kept[place] if 0 <= place < len(kept) else None

    def on_rows_opened(self, event: Rows.Opened) -> None:
        if event.rows.id == "slice-rows" or self._kept_at(event.index):
            self.open_it()
        else:
            self.query_one("#slice-rows", Rows).focus()

    def opening(self) -> tuple[str, dict[str, Any]] | None:
        """The pairs of a kept filter, or of the slice under the cursor."""
        keys, rows = self.query_one("#keys", Rows), self.query_one("#slice-rows", Rows)
        if not rows.has_focus and (kept := self._kept_at(keys.cursor)):
            try:
                return kept[0], {"filter": parse_filter(kept[1])}
            except NliError as error:
                self.toast(error)
                return None
        cut = self._shown
        if not cut or rows.cursor >= len(cut.rows):
            return None
        row = cut.rows[rows.cursor]
        name = row.label if cut.key == SURPRISING else f"{cut.key} {row.label}"
        return name, {"subset": Subset(name, row.members)}

    def action_order(self) -> None:
        self._order_by(ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)])

    def action_order_by(self, order: str, column: str) -> None:
        """By a heading: by that run's difference, the other way round where it is so already; or
        by its errors."""
        if order == "most errors":
            self._errors_of = LETTERS.index(column)
        run = LETTERS.index(column[0]) if "− A" in column else self._first_run
        if order == "B worse" == self._order and run == self._first_run:
            order = "B better"
        self._first_run = run
        self._order_by(order)

    def _order_by(self, order: str) -> None:
        self._order = order
        self.query_one("#slice-rows", Rows).cursor = 0
        self._cut_again()
        self.notify(f"order: {self._order_in_words}", timeout=2)

    @property
    def _order_in_words(self) -> str:
        if self._order == "most errors":
            return f"most errors of {LETTERS[self._errors_of]}"
        return self._order.replace("B", LETTERS[self._first_run])

    def _cut_again(self) -> None:
        """Show the same slices anew: in the order of the cut, if that is asked for."""
        if self._shown and self._sliced:
            cut = partial(cut_by, self._sliced, self._shown.key)
            self.work("slices", cut, self._show, self._not_sliced)

    def action_scroll_runs(self, by: int) -> None:
        """The columns of further runs; the order is by the first of them."""
        if self._shown:
            width = self.query_one(SIDE).size.width
            self._first_run = shown_runs(self._shown, width, max(1, self._first_run + by))[0]
            self._cut_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "scroll_runs":
            more = self._shown is not None and run_count(self._shown) > 2
            return more and not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    def command(self) -> str:
        if not self._shown:
            return ""
        keys, options = [self._shown.key], []
        if self._shown.key == SURPRISING and self._sliced:
            # named, as the command alone also fits a model of the hypotheses, which takes seconds
            keys, options = self._sliced.searched_keys, [f"--find={_SURPRISING_ROWS}"]
        options += [f"--by={key}" for key in keys]
        runs = [run.name for run in self.selection.all_runs]
        return self.command_of("slices", *options, runs=runs)

    def table(self) -> Table | None:
        if not self._shown or not self._sliced:
            return None
        names = self._sliced.paired.names
        columns = [self._shown.key, "n", *(f"{name}: errors, %" for name in names)]
        columns += [f"{name} − {names[0]}" for name in names[1:]]
        rows = [
            [row.label, f"{row.n:,}", *(percent(each.error_rate) for each in row.errors)]
            + [signed(d.delta * 100, 1) if d else "–" for d in row.differences]
            for row in self._shown.rows
        ]
        return Table(columns, rows)

    # -- kept filters

    def action_keep(self) -> None:
        query = self.selection.filter.to_text()
        if not query:
            self.notify("write a filter on screen 2 first", severity="warning", timeout=3)
            return
        self.app.push_screen(Prompt(f"keep “{query}” as", "a name"), partial(self._keep, query))

    def _keep(self, query: str, name: str | None) -> None:
        if name and name.strip():
            self._write(lambda writer: writer.save_filter(name.strip(), query), f"kept {name}")

    def action_forget(self) -> None:
        if kept := self._kept_at(self.query_one("#keys", Rows).cursor):
            self._write(lambda writer: writer.delete_filter(kept[0]), f"forgot {kept[0]}")

    def _write(self, change: Any, message: str) -> None:
        def done(_: object) -> None:
            self.notify(message, timeout=2, markup=False)
            self.ask("kept", lambda reader: reader.annotations.filters(), self._show_kept)

        self.work("write", lambda: self.explorer.session.write(change), done, self.toast)

    def _show_kept(self, kept: dict[str, str]) -> None:
        self._kept = kept
        self._show_keys()

    def as_dict(self) -> dict[str, Any]:
        if not self._shown:
            return {}
        rows = self._shown.rows
        runs = range(len(rows[0].errors) if rows else 0)
        return {
            "key": self._shown.key,
            "keys": self._keys,
            "slices": [[row.errors[run].as_dict() for row in rows] for run in runs],
            "differences": [d.as_dict() for row in rows for d in row.differences if d],
        }
