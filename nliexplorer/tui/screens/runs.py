"""The runs: mark A and B, sort, find, follow one that is still training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Input, Static

from nliexplorer.analysis.intervals import wilson
from nliexplorer.records import Metrics, Run, StepRecord
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.copying import Table
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.state import MOST_RUNS, Selection
from nliexplorer.tui.widgets.run_details import run_details
from nliexplorer.tui.widths import MEDIUM, WIDE
from nliexplorer.view.bars import percent, seconds, sparkline
from nliexplorer.view.pair import LETTERS
from nliexplorer.view.palette import Palette
from nliexplorer.view.text import middle_shortened, shortened, visible

#: How often the steps of a running run are looked at, seconds.
FOLLOW_SECONDS = 1.0
SPARK = 10
NAME, DATA, SPLIT = 22, 18, 14  # at most so many columns


def _steps_of(
    runs: list[str], reader: StoreReader
) -> tuple[dict[str, list[StepRecord]], dict[str, int]]:
    """Recorded and planned steps of each run."""
    return {i: reader.dynamics.steps(i) for i in runs}, {
        i: reader.dynamics.progress(i)[1] or 0 for i in runs
    }


@dataclass(frozen=True, slots=True)
class Column:
    """`key(run, split)` sorts; without one the column can't be sorted by.

    Shown from a terminal of `width` columns. `of_split`: a metric on the selected split.
    """

    name: str
    key: Callable[[Run, str], Any] | None = None
    width: int = 0
    of_split: bool = False


def _metric(name: str, sign: int) -> Callable[[Run, str], float]:
    """Sorts by a metric on the split, best first; `sign` is -1 where large is best.

    Runs without it come last.
    """

    def key(run: Run, split: str) -> float:
        value = getattr(run.metrics.get(split), name, None)
        return math.inf if value is None else sign * float(value)

    return key


COLUMNS: tuple[Column, ...] = (
    Column(""),
    Column("name", lambda run, _: run.name.lower()),
    Column("objective", lambda run, _: run.objective),
    Column("accuracy", _metric("accuracy", -1), of_split=True),
    Column("ECE", _metric("ece", 1), of_split=True),
    Column("AUC", _metric("roc_auc_macro", -1), WIDE, of_split=True),
    Column("status", lambda run, _: run.status),
    Column("loss"),
    Column("time", lambda run, _: run.train_seconds or 0.0, MEDIUM),
    Column("data", lambda run, _: run.data, MEDIUM),
    Column("created", None, WIDE),
)


class RunsTable(DataTable[Text]):
    """Moves by the same keys as every other list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "cursor_up", "Up", show=False),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("home,g", "scroll_top", "First", show=False),
        Binding("end,G", "scroll_bottom", "Last", show=False),
    ]


class RunsScreen(ExplorerScreen):
    MODE = "runs"
    NEEDS_RUN = False
    FILTERS = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "mark('a')", "Mark A", tooltip="compare this run as A"),
        Binding("b", "mark('b')", "Mark B", tooltip="compare this run as B; again: none"),
        Binding("space", "add", "Add", tooltip="show this run beside A and B, or no longer"),
        Binding("o", "sort", "Sort", tooltip="sort by the next column"),
        Binding("slash", "find", "Find", key_display="/", tooltip="find runs by their words"),
        # priority: the table has an Enter of its own, which the footer would not show
        Binding("enter", "open", "Examples", priority=True, tooltip="its examples"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sorted_by: Column | None = None  # newest first
        self._words: list[str] = []  # every one must occur in a run's row
        self._columns: tuple[Column, ...] = ()
        self._steps: dict[str, list[StepRecord]] = {}
        self._totals: dict[str, int] = {}  # planned steps

    def compose_body(self) -> ComposeResult:
        find = Input(placeholder="find: words of the name, objective, data or status", id="find",
                     compact=True, select_on_focus=False)  # fmt: skip
        find.display = False
        yield find
        yield RunsTable(cursor_type="row", cursor_foreground_priority="renderable", id="runs")
        with VerticalScroll(id="run-details", can_focus=False):
            yield Static(id="run-text")

    @property
    def runs_table(self) -> RunsTable:
        return self.query_one(RunsTable)

    def on_mount(self) -> None:
        self.runs_table.focus()
        self.set_interval(FOLLOW_SECONDS, self._follow)

    def depends_on(self, selection: Selection) -> object:
        runs = (tuple(self.explorer.runs), selection.all_runs)
        return (self.explorer.loaded, *runs, selection.split)

    def load(self, selection: Selection) -> None:
        if not self.explorer.runs:
            self._usable(selection)
            return
        self._fill()
        unread = [run.id for run in self.explorer.runs if run.id not in self._steps]
        if unread:
            self.ask("steps", partial(_steps_of, unread), self._show_steps)

    def selection_changed(self) -> None:
        super().selection_changed()
        if self.is_mounted and self.explorer.failure:
            self.show_failure(self.explorer.failure)

    def _ordered(self) -> list[Run]:
        runs = [run for run in self.explorer.runs if _has_words(run, self._words)]
        by, split = self._sorted_by, self.selection.split
        if by and by.key:
            key = by.key
            runs.sort(key=lambda run: key(run, split))
        return runs

    def _fill(self) -> None:
        table, current = self.runs_table, self.highlighted
        table.clear(columns=True)
        self._columns = tuple(each for each in COLUMNS if self.app.size.width >= each.width)
        rows = [(run, self._cells(run)) for run in self._ordered()]
        for column in self._columns:
            name = column.name + (" ▾" if column is self._sorted_by else "")
            if column.of_split and self.selection.split:
                name = f"{name} on {shortened(visible(self.selection.split), SPLIT)}"
                name = name if column.name == "accuracy" else name.partition(" on ")[0]
            # told, not measured: the table measures when idle, and a picture may come before that
            widths = [cells[column.name].cell_len for _, cells in rows]
            width = max(Text(name).cell_len, *widths)
            table.add_column(name, key=column.name or "mark", width=width)
        for run, cells in rows:
            table.add_row(*(cells[column.name] for column in self._columns), key=run.id)
        keep = current or self.selection.a
        if keep and keep.id in {run.id for run, _ in rows}:
            table.move_cursor(row=table.get_row_index(keep.id), animate=False)
        self._show_details()

    def _cells(self, run: Run) -> dict[str, Text]:
        palette, metrics = self.palette, run.metrics.get(self.selection.split)
        mark = Text()
        for index, marked in enumerate(self.selection.all_runs):
            if marked.id == run.id:
                mark.append(f" {LETTERS[index]} ", palette.badge(index))
        steps = self._steps.get(run.id, [])
        return {
            "": mark,
            "name": Text(shortened(visible(run.name), NAME), palette.strong),
            "objective": Text(visible(run.objective), palette.muted),
            "accuracy": _accuracy(metrics, palette),
            "ECE": Text(percent(metrics.ece if metrics else None), justify="right"),
            "AUC": Text(percent(metrics.roc_auc_macro if metrics else None), justify="right"),
            "status": self._status(run, steps),
            "loss": Text(sparkline([step.ce for step in steps], SPARK), palette.warning),
            "time": Text(seconds(run.train_seconds), palette.muted, justify="right"),
            "data": Text(middle_shortened(visible(run.data), DATA), palette.muted),
            "created": Text(run.created_at[:16].replace("T", " "), palette.muted),
        }

    def _status(self, run: Run, steps: list[StepRecord]) -> Text:
        if run.status == "done":
            return Text("✓ done", self.palette.right)
        if run.status != "running":
            return Text(run.status, self.palette.wrong)
        total = self._totals.get(run.id)
        far = f"{steps[-1].step / total:.0%}" if steps and total else "running"
        return Text(f"● {far.replace('%', ' %')}", self.palette.warning)

    # -- following

    def _follow(self) -> None:
        """New steps of runs that train in another process; the app sees to their end."""
        running = [run.id for run in self.explorer.runs if run.status == "running"]
        if not running or not self.is_current or self.pending("steps"):
            return
        after = {i: s[-1].step if (s := self._steps.get(i)) else 0 for i in running}

        def new_steps(reader: StoreReader) -> dict[str, list[StepRecord]]:
            return {i: reader.dynamics.steps(i, after=step) for i, step in after.items()}

        self.ask("steps", new_steps, self._add_steps, lambda _: None)

    def _add_steps(self, steps: dict[str, list[StepRecord]]) -> None:
        for run_id, fresh in steps.items():
            self._steps.setdefault(run_id, []).extend(fresh)
        if any(steps.values()):
            self._fill()

    def _show_steps(self, read: tuple[dict[str, list[StepRecord]], dict[str, int]]) -> None:
        steps, totals = read
        self._steps.update(steps)
        self._totals.update(totals)
        self._fill()

    # -- keys

    @property
    def highlighted(self) -> Run | None:
        if not self.runs_table.row_count:
            return None
        key = self.runs_table.coordinate_to_cell_key(self.runs_table.cursor_coordinate).row_key
        return next((run for run in self.explorer.runs if run.id == key.value), None)

    def on_data_table_row_highlighted(self) -> None:
        self._show_details()

    def on_data_table_row_selected(self) -> None:
        self.action_open()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        self._sort_by(self._columns[event.column_index])

    def _show_details(self) -> None:
        if run := self.highlighted:
            steps, total = self._steps.get(run.id, []), self._totals.get(run.id, 0)
            pane = self.query_one("#run-details")
            room = (pane.size.width - 2, pane.size.height)
            details = run_details(run, steps, total, self.palette, room)
            self.query_one("#run-text", Static).update(details)

    def action_mark(self, which: str) -> None:
        run, selection = self.highlighted, self.selection
        if run is None:
            return
        if which == "a":
            b = selection.a if selection.b and selection.b.id == run.id else selection.b
            self.explorer.select(a=run, b=b)
        elif selection.b and selection.b.id == run.id:
            self.explorer.select(b=None)
        elif selection.a and selection.a.id == run.id:
            self.notify("this run is already A; press x to swap A and B", timeout=3)
        else:
            self.explorer.select(b=run)

    def action_add(self) -> None:
        """B where there is none yet, then C, D and so on; the mark goes down the list."""
        run, selection = self.highlighted, self.selection
        if run is None or run in selection.runs:
            self.notify("A and B are marked by their letters", timeout=2)
        elif not selection.b:
            self.explorer.select(b=run)
        elif len(selection.all_runs) >= MOST_RUNS and run not in selection.others:
            self.notify(f"at most {MOST_RUNS} runs side by side", severity="warning", timeout=3)
        elif not run.metrics:
            self.notify("this run has no predictions yet", severity="warning", timeout=3)
        else:
            self.explorer.select(others=selection.with_other(run).others)
        self.runs_table.action_cursor_down()

    def action_sort(self) -> None:
        choices = [None, *(each for each in self._columns if each.key)]
        now = choices.index(self._sorted_by) if self._sorted_by in choices else 0
        self._sort_by(choices[(now + 1) % len(choices)])

    def _sort_by(self, column: Column | None) -> None:
        self._sorted_by = column if column and column.key else None
        self._fill()
        by = self._sorted_by.name if self._sorted_by else "date, newest first"
        self.notify(f"sorted by {by}", timeout=2)

    def look_changed(self) -> None:
        if self.explorer.runs:
            self._fill()

    def on_resize(self) -> None:
        self.call_after_refresh(self.look_changed)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While words are typed, Enter and the slash belong to them."""
        if action in ("find", "open") and isinstance(self.focused, Input):
            return False
        return super().check_action(action, parameters)

    def action_find(self) -> None:
        find = self.query_one("#find", Input)
        find.display = True
        find.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._words = event.value.lower().split()
        self._fill()

    def on_input_submitted(self) -> None:
        self.runs_table.focus()

    def action_back(self) -> None:
        """Out of the search, else a step back."""
        find = self.query_one("#find", Input)
        if find.display:
            find.value, find.display = "", False
            self.runs_table.focus()
        else:
            super().action_back()

    def action_open(self) -> None:
        run = self.highlighted
        changes: dict[str, Any] = {"a": run} if run and run not in self.selection.runs else {}
        self.explorer.go("examples", **changes)

    def command(self) -> str:
        return "nliexplorer runs list"

    def table(self) -> Table:
        columns = [each for each in self._columns if each.name != "loss"]
        rows = [self._cells(run) for run in self._ordered()]
        return Table(
            [each.name or "marked" for each in columns],
            [[cells[each.name].plain.strip() for each in columns] for cells in rows],
        )

    def as_dict(self) -> dict[str, Any]:
        return {"runs": [run.as_dict() for run in self.explorer.runs]}


def _has_words(run: Run, words: list[str]) -> bool:
    text = " ".join((run.id, run.name, run.objective, run.data, run.model, run.status)).lower()
    return all(word in text for word in words)


def _accuracy(metrics: Metrics | None, palette: Palette) -> Text:
    """`93.3 ±1.3`: half the width of the 95 % Wilson interval."""
    if metrics is None:
        return Text("–", palette.muted)
    low, high = wilson(round((metrics.accuracy or 0.0) * metrics.scored), metrics.scored)
    text = Text(percent(metrics.accuracy))
    return text.append(f" ±{float(high - low) * 50:.1f}", palette.muted)
