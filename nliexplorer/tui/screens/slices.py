"""Error rates by slice, both runs side by side; a row opens its pairs, and can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Static

from nliexplorer.analysis.slicing import SliceTable, available_keys, slice_keys
from nliexplorer.analysis.verdict import FEW_PAIRS
from nliexplorer.errors import NliError
from nliexplorer.store.filters import parse_filter
from nliexplorer.store.reader import PredictionArrays, StoreReader
from nliexplorer.tui.measuring import SURPRISING, Sliced, slice_table, sliced
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.screens.prompt import Prompt
from nliexplorer.tui.state import Selection, Subset
from nliexplorer.tui.widgets.preview import PreviewPane
from nliexplorer.tui.widgets.rows import Rows
from nliexplorer.tui.widgets.slice_rows import heading, slice_rows
from nliexplorer.view.text import visible

FIRST = "length"  # what pairs are cut by until something else is chosen
_KEY = f"grey: under {FEW_PAIRS} pairs · █ ▓ ░ rate and its 95 % interval · * q ≤ 0.05"


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    table: SliceTable
    arrays: PredictionArrays
    correct_b: Any


class SlicesScreen(ExplorerScreen):
    MODE = "slices"
    LOADING = "reading the pairs and slicing them …"
    AUTO_FOCUS = "#keys"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "keep", "Keep filter", tooltip="keep the current filter by a name"),
        Binding("delete", "forget", "Forget", show=False, tooltip="forget the kept filter"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._table: _Table | None = None
        self._shown: Sliced | None = None
        self._keys: list[str] = []
        self._kept: dict[str, str] = {}

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
        self._table = None
        key = self._shown.key if self._shown else FIRST
        self.ask("table", partial(self._read, selection, key), self._show_table)

    def _read(
        self, selection: Selection, key: str, reader: StoreReader
    ) -> tuple[_Table, Sliced, dict[str, str]]:
        found = _Table(*slice_table(reader, selection))
        known = key == SURPRISING and found.correct_b is not None
        if not known and key not in available_keys(found.table):
            key = FIRST
        first = sliced(found.table, found.arrays, found.correct_b, key)
        return found, first, reader.annotations.filters()

    def _show_table(self, found: tuple[_Table, Sliced, dict[str, str]]) -> None:
        self._table, first, self._kept = found
        surprising = [SURPRISING] if self._table.correct_b is not None else []
        self._keys = [*first.keys, *surprising]
        self._show_keys(first.key)
        self._show(first)

    def _show_keys(self, current: str | None = None) -> None:
        rows = [Text(visible(key)) for key in self._keys]
        rows += [Text(f"⚑ {visible(name)}", self.palette.warning) for name in self._kept]
        cursor = self._keys.index(current) if current in self._keys else None
        self.query_one("#keys", Rows).show(rows, cursor)

    def _show(self, found: Sliced) -> None:
        self._shown = found
        about = {key.name: key.about for key in slice_keys()}.get(found.key, found.key)
        if found.key == SURPRISING:
            about = "slices, and pairs of slices, where the two runs differ most surely"
        text = Text("error rate, %, by ", self.palette.muted)
        text.append(visible(about))
        known, pairs = sum(found.n), len(self._table.arrays) if self._table else 0
        if known < pairs and found.key != SURPRISING:
            text.append(f" · known of {known:,} of {pairs:,} pairs", self.palette.warning)
        self.query_one("#slice-about", Static).update(text)
        width = self.query_one("#slice-side").size.width
        self.query_one("#slice-heading", Static).update(heading(found, width, self.palette))
        self.query_one("#slice-rows", Rows).show(slice_rows(found, width, self.palette))
        self.preview()

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
        if event.rows.id != "keys" or self._table is None:
            return
        if event.index < len(self._keys):
            key = self._keys[event.index]
            if self._shown is None or key != self._shown.key:
                t = self._table
                self.work(
                    "slices",
                    lambda: sliced(t.table, t.arrays, t.correct_b, key),
                    self._show,
                    self._not_sliced,
                )
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
        found = self._shown
        if not found or rows.cursor >= len(found.names):
            return None
        name = found.names[rows.cursor]
        name = name if found.key == SURPRISING else f"{found.key} {name}"
        return name, {"subset": Subset(name, found.members[rows.cursor])}

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

    def _write(self, change: Any, said: str) -> None:
        def done(_: object) -> None:
            self.notify(said, timeout=2, markup=False)
            self.ask("kept", lambda reader: reader.annotations.filters(), self._show_kept)

        self.work("write", lambda: self.explorer.session.write(change), done, self.toast)

    def _show_kept(self, kept: dict[str, str]) -> None:
        self._kept = kept
        self._show_keys()

    def as_dict(self) -> dict[str, Any]:
        if not self._shown:
            return {}
        return {
            "key": self._shown.key,
            "keys": self._keys,
            "slices": [[row.as_dict() for row in rows] for rows in self._shown.errors],
            "differences": [d.as_dict() for d in self._shown.differences if d],
        }
