"""Error rates by slice, both runs side by side; a row opens its pairs, and can be kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Static

from nliexplorer.analysis.slicing import slice_keys
from nliexplorer.analysis.verdict import ALPHA, FEW_PAIRS
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
from nliexplorer.tui.widgets.slice_rows import heading, slice_rows
from nliexplorer.view.bars import percent
from nliexplorer.view.palette import signed
from nliexplorer.view.text import visible

FIRST = "length"  # what pairs are cut by at first
_KEY = f"grey: under {FEW_PAIRS} pairs · █ ▓ ░ rate, 95 % interval"


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


ORDERS = ("as cut", "B worse", "B better", "smallest q", "largest")


def ordered(rows: Sequence[SliceRow], order: str) -> tuple[SliceRow, ...]:
    """The slices in one of ORDERS; those without a difference come last."""

    def place(row: SliceRow) -> float:
        difference = row.differences[0] if row.differences else None
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
        Binding("f", "keep", "Keep filter", tooltip="keep the current filter by a name"),
        Binding("delete", "forget", "Forget", show=False, tooltip="forget the kept filter"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sliced: SlicedRuns | None = None
        self._shown: Cut | None = None
        self._keys: list[str] = []
        self._kept: dict[str, str] = {}
        self._order = ORDERS[0]

    def compose_body(self) -> ComposeResult:
        with Container(id="slices"):
            with Vertical(id="slice-keys"):
                yield Static("cut by", classes="heading")
                yield Rows(id="keys", cursor_when_blurred=True)
            with Vertical(id="slice-side"):
                yield Static(id="slice-about", classes="heading")
                yield Static(id="slice-heading")
                yield Rows(id="slice-rows")
                yield Static(_KEY, id="slice-key", classes="heading", markup=False)
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
        cut = replace(cut, rows=ordered(cut.rows, self._order))
        self._shown = cut
        self.query_one("#slice-about", Static).update(self._about(cut))
        width = self.query_one("#slice-side").size.width
        self.query_one("#slice-heading", Static).update(heading(cut, width, self.palette))
        self.query_one("#slice-rows", Rows).show(slice_rows(cut, width, self.palette))
        tested = [each for row in cut.rows for each in row.differences if each]
        stars = f" · * q ≤ {ALPHA:g} of {tested[0].family:,} tested" if tested else ""
        self.query_one("#slice-key", Static).update(Text(_KEY + stars))
        self.preview()

    def _about(self, cut: Cut) -> Text:
        """What the rows are, and of how many pairs."""
        about = {key.name: key.about for key in slice_keys()}.get(cut.key, cut.key)
        if cut.key == SURPRISING:
            about = "slices, and overlaps of two, where A and B differ most surely"
        text = Text("error rate, %, by ", self.palette.muted)
        text.append(visible(about))
        if self._sliced is None:
            return text
        paired = self._sliced.paired
        text.append(f" · {paired.count}", self.palette.strong)
        if self._order != ORDERS[0]:
            text.append(f" · {self._order} first", self.palette.muted)
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
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        if self._shown and self._sliced:
            cut = partial(cut_by, self._sliced, self._shown.key)
            self.query_one("#slice-rows", Rows).cursor = 0
            self.work("slices", cut, self._show, self._not_sliced)
        self.notify(f"order: {self._order}", timeout=2)

    def command(self) -> str:
        if not self._shown:
            return ""
        differ = self._shown.key == SURPRISING
        return self.command_of(
            "slices", *(("--find=20",) if differ else (f"--by={self._shown.key}",))
        )

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
        return Table(columns, [[*row, *["–"] * (len(columns) - len(row))] for row in rows])

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
