"""Table 1, fixed and broken, the confusion matrices: every cell opens its examples.

Of two arms the means over their seeds instead (`compare --group`); a key shows the two runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from nliexplorer.comparison.groups import GroupComparison
from nliexplorer.records import CONTRADICTION, GOLD_NAMES, NEUTRAL, NON_ENTAILMENT
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.copying import Table
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.screens.compare_results import (
    ORDER_OF,
    ORDERS,
    Compared,
    compared,
    compared_arms,
    metric_order,
    text_table,
)
from nliexplorer.tui.state import Selection, Subset
from nliexplorer.tui.widgets.matrix import Grid, Matrix
from nliexplorer.tui.widgets.preview import PreviewPane
from nliexplorer.tui.widgets.seed_comparison import SeedComparison
from nliexplorer.tui.widths import MEDIUM
from nliexplorer.view.differences import TIGHT, Links, table_one
from nliexplorer.view.palette import signed
from nliexplorer.view.tables import comparisons_table
from nliexplorer.view.text import visible

_LETTERS = dict(zip(GOLD_NAMES, ("E", "N", "C", "¬E"), strict=True))
_SHORT = dict(zip(GOLD_NAMES, ("entail", "neutral", "contra", "non-ent"), strict=True))


#: Columns from which "fixed by B" and "broken by B" fit side by side.
_BESIDE = 72
_OUTCOMES = (("both right", "broken by B"), ("fixed by B", "wrong in both"))


class CompareScreen(ExplorerScreen):
    MODE = "compare"
    LOADING = "comparing the runs, with intervals from resampling …"
    AUTO_FOCUS = "#outcomes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "order", "Order", tooltip="order of the metrics"),
        Binding("g", "over_seeds", "Seeds", tooltip="two arms over their seeds, or A and B alone"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown: Compared | GroupComparison | None = None
        self._order = ORDERS[0]
        self._over_seeds = True  # where A and B both stand for an arm

    def compose_body(self) -> ComposeResult:
        with Vertical(id="compare-body"):
            with VerticalScroll(id="compare", can_focus=False):
                yield Static(id="compare-title", classes="heading")
                yield Static(id="table-one")
                with Horizontal(id="outcome-row"):
                    yield Matrix(id="outcomes", place=(1, 0))  # fixed by B
                    yield Static(id="verdict")
                with Horizontal(id="confusions"):
                    yield Matrix(id="confusion-a")
                    yield Matrix(id="confusion-b")
                    yield Matrix(id="confusion-delta")
            yield PreviewPane(id="compare-preview")
        yield SeedComparison(id="seed-comparison")

    @property
    def selection(self) -> Selection:
        """Without arms where the two runs are asked for."""
        selection = self.explorer.selection
        return selection if self._over_seeds else replace(selection, arm_a=None, arm_b=None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "over_seeds" and not self.explorer.selection.arms:
            return False
        return super().check_action(action, parameters)

    def load(self, selection: Selection) -> None:
        if not selection.b:
            self.notice("two runs are needed here", "mark A and B on screen 1 (keys a and b)")
            self._shown_for = None
            return
        self.ask("compare", self.kept(self.explorer.session.results, selection), self._show)

    @classmethod
    def compute(cls, reader: StoreReader, selection: Selection) -> Compared | GroupComparison:
        return compared_arms(reader, selection) if selection.arms else compared(reader, selection)

    def _show(self, shown: Compared | GroupComparison) -> None:
        self._shown = shown
        seeds, over_seeds = self.query_one(SeedComparison), isinstance(shown, GroupComparison)
        if seeds.display != over_seeds:
            seeds.display = over_seeds
            self.query_one("#compare-body").display = not over_seeds
            self.focus_default()
        self.refresh_bindings()
        if isinstance(shown, GroupComparison):
            self._show_arms(shown, seeds)
        else:
            self._show_runs(shown)

    def focus_default(self) -> None:
        over_seeds = isinstance(self._shown, GroupComparison)
        self.query_one("#seeds" if over_seeds else "#outcomes").focus()

    @property
    def _links(self) -> Links:
        """Headings that sort when they are clicked."""
        return {
            name: Style(meta={"@click": f"screen.order_by({order!r})"})
            for name, order in ORDER_OF.items()
        }

    def _show_arms(self, shown: GroupComparison, seeds: SeedComparison) -> None:
        arms = self.selection.arms
        if not arms:
            return
        places = metric_order([shown.metrics], self._order)
        ordered = replace(shown, metrics=tuple(shown.metrics[place] for place in places))
        order = "" if self._order == ORDERS[0] else self._order
        names = (arms[0].name, arms[1].name)
        width = self.size.width - 2
        seeds.show(ordered, names, width, self.palette, self._links, order)

    def _show_runs(self, shown: Compared) -> None:
        palette, every = self.palette, (shown.comparison, *shown.further)
        places = metric_order([each.metrics for each in every], self._order)
        every = tuple(
            replace(each, metrics=tuple(each.metrics[place] for place in places)) for each in every
        )
        comparison = every[0]
        title = Text().append(shown.paired.count, palette.strong)
        title.append(f" that {'all' if shown.further else 'both'} predicted", palette.muted)
        if self.size.width >= TIGHT:
            title.append(f" · intervals from {comparison.resamples:,} resamples", palette.muted)
        if self._order != ORDERS[0]:
            title.append(f" · {self._order} first", palette.muted)
        for note in filter(None, (comparison.left_out, *comparison.notes)):
            title.append(f"\n{visible(note)}", palette.warning)
        self.query_one("#compare-title", Static).update(title)
        table: RenderableType = table_one(comparison, palette, self.size.width - 2, self._links)
        if shown.further:
            count = shown.paired.count
            table = comparisons_table(every, count, palette=palette, links=self._links)
        self.query_one("#table-one", Static).update(table)
        self.query_one("#verdict", Static).update(self._verdict(shown))
        self.query_one("#outcomes", Matrix).grid = self._outcomes(shown)
        self._show_confusions(shown)
        self.preview()

    # -- order, seeds

    def action_order(self) -> None:
        self.action_order_by(ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)])

    def action_order_by(self, order: str) -> None:
        """Metrics in this order; what a click on the heading asks for again is turned round."""
        if order == "B worse" == self._order:
            order = "B better"
        self._order = order
        if self._shown:
            self._show(self._shown)
        self.notify(f"order: {order}", timeout=2)

    def action_over_seeds(self) -> None:
        self._over_seeds = not self._over_seeds
        self.selection_changed()

    def on_seed_comparison_opened(self, event: SeedComparison.Opened) -> None:
        self.explorer.go("compare", a=event.a, b=event.b, arm_a=None, arm_b=None)

    def look_changed(self) -> None:
        if self._shown:
            self._show(self._shown)

    def on_resize(self) -> None:
        self.look_changed()

    # -- drawing

    def _verdict(self, shown: Compared) -> Text:
        c, palette = shown.comparison, self.palette
        text = Text()
        text.append(f"{c.fixed:,}", palette.right + palette.strong)
        text.append(" fixed by B" + ("   " if self.size.width >= _BESIDE else "\n"))
        text.append(f"{c.broken:,}", palette.wrong + palette.strong)
        text.append(" broken by B\n")
        text.append(f"{c.both_wrong:,}", palette.strong)
        text.append(" wrong in both\n")
        p = f"= {c.mcnemar_p:.3f}" if c.mcnemar_p >= 0.001 else "< 0.001"
        text.append(f"exact McNemar p {p}: ", palette.muted)
        sentence = (
            "these two differ by more than chance on these pairs; over seeds it may vary more"
            if c.metric("accuracy").verdict
            else "chance alone often makes such a difference"
        )
        return text.append(sentence, palette.muted)

    def _outcomes(self, shown: Compared) -> Grid:
        c, palette = shown.comparison, self.palette
        return Grid(
            title=Text("right and wrong", palette.muted),
            columns=(("B right", palette.run(1)), ("B wrong", palette.run(1))),
            rows=(("A right", palette.run(0)), ("A wrong", palette.run(0))),
            cells=((f"{c.both_right:,}", f"{c.broken:,}"), (f"{c.fixed:,}", f"{c.both_wrong:,}")),
            shades=((0, 0), (0, 0)),
        )

    def _show_confusions(self, shown: Compared) -> None:
        palette = self.palette
        gold = shown.confusions[0].gold_names
        narrow = self.size.width < MEDIUM  # one letter per class, to fit the matrices in a row
        cell, side = (7, 3) if narrow else (8, 9)

        def named(name: str) -> str:
            return (_LETTERS if narrow else _SHORT)[name]

        def headings(names: Sequence[str]) -> list[tuple[str, Style]]:
            return [(named(name), palette.label(GOLD_NAMES.index(name))) for name in names]

        rows, columns = headings(gold), headings(shown.confusions[0].predicted_names)
        wrong = _wrong_cells(*shown.confusions[0].counts.shape)
        rates = [np.nan_to_num(each.rates) * wrong for each in shown.confusions]
        top = max(float(rate.max()) for rate in rates) or 1.0

        def put(name: str, title: Text, cells: list[list[str]], shades: NDArray[Any]) -> None:
            grid = Grid(title, columns, rows, cells, shades.tolist(), cell, side)
            self.query_one(f"#confusion-{name}", Matrix).grid = grid

        for index, each in enumerate(shown.confusions):
            title = Text(no_wrap=True)
            title.append(f" {'AB'[index]} ", palette.badge(index))
            title.append(" gold ↓ predicted →", palette.muted)
            cells = [[f"{n:,}" for n in row] for row in each.counts.tolist()]
            put("ab"[index], title, cells, rates[index] / top)
        change = shown.confusions[1].counts - shown.confusions[0].counts
        cells = [[signed(n, 0) for n in row] for row in change.tolist()]
        put("delta", Text("B − A", palette.muted), cells, change / (np.abs(change).max() or 1))

    # -- opening

    def on_matrix_walked(self, event: Matrix.Walked) -> None:
        if event.matrix.has_focus:
            self.preview()

    def on_matrix_opened(self) -> None:
        self.open_it()

    def opening(self) -> tuple[str, dict[str, Any]] | None:
        """The pairs of the cell under the cursor; as a filter where one says it."""
        shown, selection, matrix = self._shown, self.selection, self.focused
        if not isinstance(shown, Compared) or not selection.b or not isinstance(matrix, Matrix):
            return None
        row, column = matrix.place
        if matrix.id == "outcomes":
            name = _OUTCOMES[row][column]
            right_a, right_b = (each.correct for each in shown.paired.outputs[:2])
            right_a, right_b = right_a == (row == 0), right_b == (column == 0)
            mask, cell_filter = right_a & right_b, outcome_filter(row, column, selection.b.name)
        else:
            names = shown.confusions[0].predicted_names
            predicted = GOLD_NAMES.index(names[column])
            cell_a, cell_b = (
                (each.target == row) & (each.predicted == predicted)
                for each in shown.paired.outputs[:2]
            )
            prediction = f"{names[column]} to gold {shown.confusions[0].gold_names[row]}"
            match matrix.id:
                case "confusion-a":
                    name, mask = f"A says {prediction}", cell_a
                    cell_filter = self._cell_filter(shown, row, predicted)
                case "confusion-b":
                    name, mask, cell_filter = f"B says {prediction}", cell_b, None
                case _:
                    name, mask, cell_filter = (
                        f"one of A and B says {prediction}",
                        cell_a ^ cell_b,
                        None,
                    )
        if cell_filter is None or shown.comparison.left_out:  # it would bring unpaired ones too
            return name, {"subset": Subset(name, shown.paired.ids[mask])}
        return name, {"filter": cell_filter}

    def _cell_filter(self, shown: Compared, row: int, predicted: int) -> Filter | None:
        """None where two gold labels make up the row, or answers were merged."""
        if shown.paired.merged_note:
            return None
        if len(shown.confusions[0].counts) == 2 and row:
            golds = set(shown.paired.arrays[0].gold.tolist())
            if golds & {NEUTRAL, CONTRADICTION}:
                return None
            return _cell(NON_ENTAILMENT, predicted)
        return _cell(row, predicted)

    def command(self) -> str:
        selection = self.selection
        if selection.arms:
            names = [arm.reference for arm in selection.arms]
            return self.command_of("compare", "--group", runs=names)
        names = [run.name for run in selection.all_runs]
        return self.command_of("compare", runs=names) if selection.b else ""

    def table(self) -> Table | None:
        return text_table(self._shown) if self._shown else None

    def as_dict(self) -> dict[str, Any]:
        if isinstance(self._shown, GroupComparison):
            return self._shown.as_dict()
        return self._shown.comparison.as_dict() if self._shown else {}


def _cell(gold: int, predicted: int) -> Filter:
    return Filter.of({"gold": GOLD_NAMES[gold], "pred": GOLD_NAMES[predicted]})


def outcome_filter(row: int, column: int, b: str) -> Filter | None:
    """The filter, read from A's side, of a cell of "right and wrong"; none says the diagonal."""
    if row == column:
        return None
    return Filter.of({"fixed-by" if row else "broken-by": b})


def _wrong_cells(rows: int, columns: int) -> NDArray[np.float64]:
    """1 where a cell is an error; with two-label gold neutral and contradiction are one."""
    if rows == columns:
        return 1 - np.eye(rows)
    return np.array([[0.0, 1, 1], [1, 0, 0]])
