"""The runs: mark A and B, sort, find, follow one that is still training."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Input, Static

from nliexplorer.comparison.groups import arms_of
from nliexplorer.records import Run, StepRecord
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.copying import Table
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.screens.runs_rows import (
    COLUMNS,
    NAME,
    Column,
    Progress,
    Row,
    cells,
    columns_that_fit,
    name_width,
    rows_of,
)
from nliexplorer.tui.state import Selection
from nliexplorer.tui.widgets.run_details import arm_details, run_details
from nliexplorer.view.palette import MOST_RUNS
from nliexplorer.view.text import shortened, visible

#: How often the steps of a running run are looked at, seconds.
FOLLOW_SECONDS = 1.0
SPLIT = 14  # at most so many columns of the split's name


def _steps_of(
    runs: list[str], reader: StoreReader
) -> tuple[dict[str, list[StepRecord]], dict[str, int]]:
    """Recorded and planned steps of each run."""
    return {i: reader.dynamics.steps(i) for i in runs}, {
        i: reader.dynamics.progress(i)[1] or 0 for i in runs
    }


class RunsTable(DataTable[Text]):
    """Moves by the same keys as every other list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "cursor_up", "Up", show=False),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("home", "scroll_top", "First", show=False),
        Binding("end", "scroll_bottom", "Last", show=False),
    ]


class RunsScreen(ExplorerScreen):
    """Runs of one arm over several seeds are one row, which opens and closes."""

    MODE = "runs"
    NEEDS_RUN = False
    FILTERS = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "mark('a')", "Mark A", tooltip="compare this run as A"),
        Binding("b", "mark('b')", "Mark B", tooltip="compare this run as B; again: none"),
        Binding("space", "add", "Add", tooltip="show this run beside A and B, or no longer"),
        Binding("o", "sort", "Sort", tooltip="sort by the next column"),
        # priority: the table would scroll sideways
        Binding(
            "right,l",
            "unfold(True)",
            "Seeds",
            key_display="→",
            priority=True,
            tooltip="list the seeds of the arm",
        ),
        Binding(
            "left",
            "unfold(False)",
            "Close",
            show=False,
            key_display="←",
            priority=True,
            tooltip="close the arm",
        ),
        Binding("slash", "find", "Find", key_display="/", tooltip="find runs by their words"),
        # priority: the table has an Enter of its own, which the footer would not show
        Binding(
            "enter",
            "open",
            "Open",
            priority=True,
            tooltip="the examples of a run; the seeds of an arm",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sorted_by: Column | None = None  # newest first
        self._words: list[str] = []  # every one must occur in a run's row
        self._open_arms: set[str] = set()  # keys of the arms whose seeds are listed
        self._rows: list[Row] = []
        self._columns: tuple[Column, ...] = ()
        self._name_width = NAME
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
        runs = (tuple(self.explorer.runs), selection.all_runs, selection.arm_a, selection.arm_b)
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

    def _progress(self, run_id: str) -> Progress:
        return Progress(self._steps.get(run_id, ()), self._totals.get(run_id, 0))

    def _cells(self, row: Row) -> dict[str, Text]:
        return cells(row, self.selection, self._progress, self.palette, self._name_width)

    def _fill(self) -> None:
        table, current, split = self.runs_table, self.highlighted_row, self.selection.split
        table.clear(columns=True)
        self._rows = rows_of(
            self.explorer.runs, self._words, self._open_arms, self._sorted_by, split
        )
        self._name_width = NAME
        drawn = [(row, self._cells(row)) for row in self._rows]
        headings = {column.name: self._heading(column, split) for column in COLUMNS}
        # told, not measured: the table measures when idle, and a picture may come before that
        widths = {
            name: max([heading.cell_len, *(each[name].cell_len for _, each in drawn)])
            for name, heading in headings.items()
        }
        self._columns = columns_that_fit(widths, self.app.size.width)
        self._name_width = name_width(self._columns, widths, self.app.size.width)
        drawn = [(row, self._cells(row)) for row in self._rows]
        names = [each["name"].cell_len for _, each in drawn]
        widths["name"] = max([headings["name"].cell_len, *names])
        for column in self._columns:
            name = column.name
            table.add_column(headings[name], key=name or "mark", width=widths[name])
        for row, each in drawn:
            table.add_row(*(each[column.name] for column in self._columns), key=row.key)
        if (place := self._place_of(current)) is not None:
            table.move_cursor(row=place, animate=False)
        self._show_details()

    def _heading(self, column: Column, split: str) -> Text:
        name = column.name + (" ▾" if column is self._sorted_by else "")
        if column.name == "accuracy" and split:
            name = f"{name} on {shortened(visible(split), SPLIT)}"
        return Text(name, justify="right" if column.right else "left")

    def _place_of(self, row: Row | None) -> int | None:
        """Where the row is now; else where the row that holds its first run is, or A."""
        run = row.runs[0] if row else self.selection.a
        keys = [each.key for each in self._rows]
        if row and row.key in keys:
            return keys.index(row.key)
        holding = [place for place, each in enumerate(self._rows) if run in each.runs]
        return holding[-1] if holding else None

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
    def highlighted_row(self) -> Row | None:
        if not self.runs_table.row_count:
            return None
        key = self.runs_table.coordinate_to_cell_key(self.runs_table.cursor_coordinate).row_key
        return next((row for row in self._rows if row.key == key.value), None)

    @property
    def highlighted(self) -> Run | None:
        """The run under the cursor; of an arm its first."""
        row = self.highlighted_row
        return row.runs[0] if row else None

    def on_data_table_row_highlighted(self) -> None:
        self._show_details()

    def on_data_table_row_selected(self) -> None:
        self.action_open()

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        self._sort_by(self._columns[event.column_index])

    def _show_details(self) -> None:
        if (row := self.highlighted_row) is None:
            return
        text = self.query_one("#run-text", Static)
        if row.arm:
            width = self.app.size.width
            text.update(arm_details(row.arm, self.selection.split, self.palette, width))
            return
        run, progress = row.runs[0], self._progress(row.runs[0].id)
        pane = self.query_one("#run-details")
        room = (pane.size.width - 2, pane.size.height)
        text.update(run_details(run, progress.steps, progress.total, self.palette, room))

    def action_mark(self, which: str) -> None:
        """Mark the run, or the arm, as A or B; B's mark comes off again."""
        row, now = self.highlighted_row, self.selection
        if row is None:
            return
        arm = row.arm.measured if row.arm else None
        if arm and len(arm.runs) < 2:
            self.notify("fewer than two of its seeds have predictions yet", timeout=3)
            return
        run = row.run_beside(now.b if which == "a" else now.a)
        if which == "a":
            takes_b = run == now.b
            b, arm_b = (now.a, now.arm_a) if takes_b else (now.b, now.arm_b)
            self.explorer.select(a=run, b=b, arm_a=arm, arm_b=arm_b)
        elif run == now.b and (arm is None) == (now.arm_b is None):
            self.explorer.select(b=None, arm_b=None)
        elif run == now.a:
            self.notify("this run is already A; press x to swap A and B", timeout=3)
        else:
            self.explorer.select(b=run, arm_b=arm)

    def action_add(self) -> None:
        """B where there is none yet, then C, D and so on; the cursor goes down the list."""
        row = self.highlighted_row
        fresh = [run for run in row.runs if run not in self.selection.runs] if row else []
        if not fresh:
            self.notify("A and B are marked by their letters", timeout=2)
        if all(run in self.selection.others for run in fresh):
            others = tuple(run for run in self.selection.others if run not in fresh)
            self.explorer.select(others=others)
        else:
            for run in fresh:
                if run not in self.selection.others and not self._add(run):
                    break
        self.runs_table.action_cursor_down()

    def _add(self, run: Run) -> bool:
        """One run more beside A and B; False, and why, where it cannot be."""
        selection = self.selection
        if not run.metrics:
            self.notify(f"{run.name} has no predictions yet", severity="warning", timeout=3)
        elif not selection.b:
            self.explorer.select(b=run, arm_b=None)
            return True
        elif len(selection.all_runs) >= MOST_RUNS:
            self.notify(f"at most {MOST_RUNS} runs side by side", severity="warning", timeout=3)
        else:
            self.explorer.select(others=(*selection.others, run))
            return True
        return False

    def action_unfold(self, opens: bool) -> None:
        """Open or close the arm under the cursor, or that of the run under it."""
        row = self.highlighted_row
        if row and row.below:
            row = next((each for each in self._rows if each.arm and row.runs[0] in each.runs), row)
        if row and row.arm:
            (self._open_arms.add if opens else self._open_arms.discard)(row.key)
            if not opens:
                self.runs_table.move_cursor(row=self._place_of(row), animate=False)
            self._fill()
        elif opens:
            self.notify("one run; arms with several seeds have a ▸", timeout=2)

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
        """While words are typed, Enter, the arrows and the slash belong to them."""
        if action in ("find", "open", "unfold") and isinstance(self.focused, Input):
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
        """An arm opens and closes; a run's examples are shown."""
        row, run = self.highlighted_row, self.highlighted
        if row and row.arm:
            self.action_unfold(not row.is_open)
            return
        changes: dict[str, Any] = {"a": run} if run and run not in self.selection.runs else {}
        self.explorer.go("examples", **changes)

    def command(self) -> str:
        return "nliexplorer runs list"

    def table(self) -> Table:
        columns = [each for each in self._columns if each.name != "loss"]
        rows = [self._cells(row) for row in self._rows]
        return Table(
            [each.name or "marked" for each in columns],
            [[row[each.name].plain.strip() for each in columns] for row in rows],
        )

    def as_dict(self) -> dict[str, Any]:
        runs = self.explorer.runs
        arms = [{"name": arm.name, "runs": [run.id for run in arm.runs]} for arm in arms_of(runs)]
        return {"runs": [run.as_dict() for run in runs], "arms": arms}
