"""The runs: choose A and B, sort, follow one that is still training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from nliexplorer.records import Metrics, Run, StepRecord
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.state import Selection
from nliexplorer.tui.widgets.run_details import run_details
from nliexplorer.view.bars import percent, seconds, sparkline
from nliexplorer.view.text import visible

#: How often a running run is looked at, seconds.
FOLLOW_SECONDS = 1.0
SPARK = 14


def _steps_of(
    runs: list[str], reader: StoreReader
) -> tuple[dict[str, list[StepRecord]], dict[str, int]]:
    """Recorded and planned steps of each run."""
    return {i: reader.steps(i) for i in runs}, {i: reader.progress(i)[1] or 0 for i in runs}


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    key: Callable[[Run], Any]


COLUMNS: tuple[Column, ...] = (
    Column("", lambda run: run.id),
    Column("name", lambda run: run.name.lower()),
    Column("objective", lambda run: run.objective),
    Column("accuracy", lambda run: -_of(run, "accuracy")),
    Column("ECE", lambda run: _of(run, "ece")),
    Column("AUC", lambda run: -_of(run, "roc_auc_macro")),
    Column("trained in", lambda run: run.train_seconds or 0.0),
    Column("status", lambda run: run.status),
    Column("loss", lambda run: run.id),
    Column("data", lambda run: run.data),
    Column("made", lambda run: run.created_at),
)


def first_metrics(run: Run) -> Metrics | None:
    """Of the run's own dev split where it has one."""
    return run.metrics.get("dev") or next(iter(run.metrics.values()), None)


def _of(run: Run, name: str) -> float:
    value = getattr(first_metrics(run), name, None)
    return -1.0 if value is None else float(value)


class RunsScreen(ExplorerScreen):
    MODE = "runs"
    NEEDS_RUN = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "mark('a')", "Mark A", tooltip="compare this run as A"),
        Binding("b", "mark('b')", "Mark B", tooltip="compare this run as B; again: none"),
        Binding("o", "sort", "Sort", tooltip="sort by the next column"),
        Binding("enter", "open", "Examples", tooltip="its examples"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sorted_by = len(COLUMNS) - 1
        self._steps: dict[str, list[StepRecord]] = {}
        self._totals: dict[str, int] = {}  # planned steps

    def compose_body(self) -> ComposeResult:
        table: DataTable[Text] = DataTable(cursor_type="row", id="runs")
        yield table
        with VerticalScroll(id="run-details", can_focus=False):
            yield Static(id="run-text")

    @property
    def table(self) -> DataTable[Text]:
        return self.query_one("#runs", DataTable)

    def on_mount(self) -> None:
        for column in COLUMNS:
            self.table.add_column(column.name, key=column.name or "mark")
        super().on_mount()
        self.table.focus()
        self.set_interval(FOLLOW_SECONDS, self._follow)

    def concern(self, selection: Selection) -> object:
        return (self.explorer.loaded, tuple(self.explorer.runs), selection.runs, selection.split)

    def load(self, selection: Selection) -> None:
        if not self.explorer.runs:
            self._usable(selection)
            return
        self._fill()
        wanted = [run.id for run in self.explorer.runs if run.id not in self._steps]
        if wanted:
            self.ask("steps", partial(_steps_of, wanted), self._show_steps)

    def selection_changed(self) -> None:
        super().selection_changed()
        if self.is_mounted and self.explorer.failure:
            self.show_failure(self.explorer.failure)

    def _ordered(self) -> list[Run]:
        runs = self.explorer.runs  # newest first
        column = COLUMNS[self._sorted_by]
        return runs if column.name == "made" else sorted(runs, key=column.key)

    def _fill(self) -> None:
        table, current = self.table, self.highlighted
        table.clear()
        for run in self._ordered():
            table.add_row(*self._cells(run), key=run.id)
        keep = current or self.selection.a
        if keep and keep.id in {run.id for run in self.explorer.runs}:
            table.move_cursor(row=table.get_row_index(keep.id), animate=False)
        self._show_details()

    def _cells(self, run: Run) -> list[Text]:
        palette, metrics = self.palette, first_metrics(run)
        mark = Text()
        for index, chosen in enumerate((self.selection.a, self.selection.b)):
            if chosen and chosen.id == run.id:
                mark.append(f" {'AB'[index]} ", palette.badge(index))
        status = {"done": palette.right, "running": palette.warning}.get(run.status, palette.wrong)
        steps = self._steps.get(run.id, [])
        made = run.created_at[:16].replace("T", " ")
        return [
            mark,
            Text(visible(run.name), palette.strong),
            Text(visible(run.objective), palette.muted),
            Text(percent(metrics.accuracy if metrics else None), justify="right"),
            Text(percent(metrics.ece if metrics else None), justify="right"),
            Text(percent(metrics.roc_auc_macro if metrics else None), justify="right"),
            Text(seconds(run.train_seconds), palette.muted, justify="right"),
            Text({"done": "✓ done", "running": "● running"}.get(run.status, run.status), status),
            Text(sparkline([step.ce for step in steps], SPARK), palette.warning),
            Text(visible(run.data), palette.muted),
            Text(made, palette.muted),
        ]

    # -- following

    def _follow(self) -> None:
        """New steps of runs that train in another process; their end."""
        running = [run.id for run in self.explorer.runs if run.status == "running"]
        if not running or not self.is_current or "steps" in self._tickets:
            return
        after = {i: s[-1].step if (s := self._steps.get(i)) else 0 for i in running}

        def news(reader: StoreReader) -> tuple[dict[str, list[StepRecord]], list[Run]]:
            return {i: reader.steps(i, after=step) for i, step in after.items()}, reader.runs()

        self.ask("steps", news, self._show_news, lambda _: None)

    def _show_news(self, news: tuple[dict[str, list[StepRecord]], list[Run]]) -> None:
        steps, runs = news
        for run_id, fresh in steps.items():
            self._steps.setdefault(run_id, []).extend(fresh)
        changed = runs != self.explorer.runs
        if changed:
            self.explorer.runs_read(runs)
        elif any(steps.values()):
            self._fill()

    def _show_steps(self, found: tuple[dict[str, list[StepRecord]], dict[str, int]]) -> None:
        steps, totals = found
        self._steps.update(steps)
        self._totals.update(totals)
        self._fill()

    # -- keys

    @property
    def highlighted(self) -> Run | None:
        if not self.table.row_count:
            return None
        key = self.table.coordinate_to_cell_key(self.table.cursor_coordinate).row_key
        return next((run for run in self.explorer.runs if run.id == key.value), None)

    def on_data_table_row_highlighted(self) -> None:
        self._show_details()

    def on_data_table_row_selected(self) -> None:
        self.action_open()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        self._sorted_by = event.column_index
        self._fill()

    def _show_details(self) -> None:
        if run := self.highlighted:
            steps, total = self._steps.get(run.id, []), self._totals.get(run.id, 0)
            details = run_details(run, steps, total, self.palette)
            self.query_one("#run-text", Static).update(details)

    def action_mark(self, which: str) -> None:
        run, chosen = self.highlighted, self.selection
        if run is None:
            return
        if which == "a":
            b = chosen.a if chosen.b and chosen.b.id == run.id else chosen.b
            self.explorer.select(a=run, b=b)
        elif chosen.b and chosen.b.id == run.id:
            self.explorer.select(b=None)
        elif chosen.a and chosen.a.id == run.id:
            self.notify("this run is A already; x swaps A and B", timeout=3)
        else:
            self.explorer.select(b=run)

    def action_sort(self) -> None:
        self._sorted_by = (self._sorted_by + 1) % len(COLUMNS)
        while COLUMNS[self._sorted_by].name in ("", "loss"):
            self._sorted_by = (self._sorted_by + 1) % len(COLUMNS)
        self._fill()
        self.notify(f"sorted by {COLUMNS[self._sorted_by].name}", timeout=2)

    def action_open(self) -> None:
        run = self.highlighted
        if run and run not in self.selection.runs:
            self.explorer.select(a=run)
        self.explorer.action_show("examples")

    def as_dict(self) -> dict[str, Any]:
        return {"runs": [run.as_dict() for run in self.explorer.runs]}
