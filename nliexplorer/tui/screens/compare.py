"""Table 1, fixed and broken, the confusion matrices: every cell opens its examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.analysis.metrics import Confusion
from nliexplorer.analysis.significance import Comparison
from nliexplorer.comparison.pairs import PairedRuns
from nliexplorer.comparison.tables import comparisons, confusions
from nliexplorer.records import CONTRADICTION, GOLD_NAMES, NEUTRAL, NON_ENTAILMENT
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.copying import Table
from nliexplorer.tui.queries import paired_runs
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.state import Selection, Subset
from nliexplorer.tui.widgets.matrix import Grid, Matrix
from nliexplorer.tui.widgets.preview import PreviewPane
from nliexplorer.tui.widths import MEDIUM
from nliexplorer.view.differences import table_one
from nliexplorer.view.metric_text import change, figure, interval
from nliexplorer.view.palette import signed
from nliexplorer.view.tables import comparisons_table
from nliexplorer.view.text import visible

_SHORT = dict(zip(GOLD_NAMES, ("entail", "neutral", "contra", "non-ent"), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What the screen shows."""

    paired: PairedRuns
    comparison: Comparison  # of B with A
    further: tuple[Comparison, ...]  # of the other runs with A
    confusions: tuple[Confusion, ...]


def compared(reader: StoreReader, selection: Selection) -> Compared:
    """Reads and compares; resamples the pairs for the intervals."""
    paired = paired_runs(reader, selection, others=True)
    comparison, *further = comparisons(paired)
    return Compared(paired, comparison, tuple(further), confusions(paired)[:2])


_OUTCOMES = (("both right", "broken by B"), ("fixed by B", "wrong in both"))


class CompareScreen(ExplorerScreen):
    MODE = "compare"
    LOADING = "comparing the runs, with intervals from resampling …"
    AUTO_FOCUS = "#outcomes"

    def __init__(self) -> None:
        super().__init__()
        self._shown: Compared | None = None

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

    def load(self, selection: Selection) -> None:
        if not selection.b:
            self.notice("two runs are needed here", "mark A and B on screen 1 (keys a and b)")
            self._shown_for = None
            return
        self.ask("compare", self.kept(self.explorer.session.results, selection), self._show)

    @classmethod
    def compute(cls, reader: StoreReader, selection: Selection) -> Compared:
        return compared(reader, selection)

    def _show(self, shown: Compared) -> None:
        self._shown = shown
        palette, comparison = self.palette, shown.comparison
        title = Text().append(shown.paired.count, palette.strong)
        title.append(f" that {'all' if shown.further else 'both'} predicted", palette.muted)
        title.append(f" · intervals from {comparison.resamples:,} resamples", palette.muted)
        for note in filter(None, (comparison.left_out, *comparison.notes)):
            title.append(f"\n{visible(note)}", palette.warning)
        self.query_one("#compare-title", Static).update(title)
        table: RenderableType = table_one(comparison, palette, self.size.width)
        if shown.further:
            every = (comparison, *shown.further)
            table = comparisons_table(every, shown.paired.count, palette=palette)
        self.query_one("#table-one", Static).update(table)
        self.query_one("#verdict", Static).update(self._verdict(shown))
        self.query_one("#outcomes", Matrix).grid = self._outcomes(shown)
        self._show_confusions(shown)
        self.preview()

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
        text.append(" fixed by B   ")
        text.append(f"{c.broken:,}", palette.wrong + palette.strong)
        text.append(" broken by B\n")
        text.append(f"{c.both_wrong:,}", palette.strong)
        text.append(" wrong in both\n")
        p = f"= {c.mcnemar_p:.3f}" if c.mcnemar_p >= 0.001 else "< 0.001"
        text.append(f"exact McNemar p {p}: ", palette.muted)
        sentence = (
            "these two differ by more than chance on these pairs; over seeds it may vary more"
            if c.metric("accuracy").verdict
            else "chance alone would often differ as much"
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
            return _SHORT[name][0].upper() if narrow else _SHORT[name]

        rows = [(named(name), palette.label(i)) for i, name in enumerate(gold)]
        predicted = shown.confusions[0].predicted_names
        columns = [(named(name), palette.label(i)) for i, name in enumerate(predicted)]
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
        if not shown or not selection.b or not isinstance(matrix, Matrix):
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
                    cell_filter = (
                        None if shown.paired.merged_note else self._cell_filter(row, predicted)
                    )
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

    def _cell_filter(self, row: int, predicted: int) -> Filter | None:
        """None where two gold labels make up the row."""
        assert self._shown
        if len(self._shown.confusions[0].counts) == 2 and row:
            golds = set(self._shown.paired.arrays[0].gold.tolist())
            if golds & {NEUTRAL, CONTRADICTION}:
                return None
            return _cell(NON_ENTAILMENT, predicted)
        return _cell(row, predicted)

    def command(self) -> str:
        runs = self.selection.all_runs
        return self.command_of("compare", runs=runs) if self.selection.b else ""

    def table(self) -> Table | None:
        if not self._shown:
            return None
        rows = [
            [
                (spec := spec_of(row.name)).heading,
                each.b,
                figure(spec, row.a),
                figure(spec, row.b),
                change(spec, row.delta),
                "" if row.ci_low is None else interval(spec, row.ci_low, row.ci_high),
            ]
            for each in (self._shown.comparison, *self._shown.further)
            for row in each.metrics
        ]
        columns = [self._shown.paired.count, "run", "A", "run’s value", "run − A", "95 % interval"]
        return Table(columns, rows)

    def as_dict(self) -> dict[str, Any]:
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
