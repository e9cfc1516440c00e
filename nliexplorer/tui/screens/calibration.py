"""Reliability of both runs, bin by bin, and what abstaining would buy; a row opens its pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Static

from nliexplorer.analysis.calibration import Bin, Calibration
from nliexplorer.analysis.metrics import bin_index
from nliexplorer.analysis.verdict import FEW_PAIRS
from nliexplorer.comparison.pairs import Side as PairedSide
from nliexplorer.comparison.tables import SURE, RunCalibration, calibrations
from nliexplorer.errors import NliError
from nliexplorer.records import Run
from nliexplorer.store.filters import Filter, Range
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.copying import Table
from nliexplorer.tui.queries import paired_runs
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.state import Selection, Subset
from nliexplorer.tui.widgets.preview import PreviewPane
from nliexplorer.tui.widgets.rows import Rows
from nliexplorer.view.bars import interval_bar, percent
from nliexplorer.view.palette import Palette, signed
from nliexplorer.view.plot import Axes, Series, plot
from nliexplorer.view.text import visible


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A run's calibration, and its side of the pairs that it is of; None where it has none."""

    measured: RunCalibration
    side: PairedSide | None

    @property
    def run(self) -> Run:
        return self.measured.run

    @property
    def result(self) -> Calibration | NliError:
        return self.measured.result


@dataclass(frozen=True, slots=True, eq=False)
class Calibrations:
    """What the screen shows, and what to know of the pairs it is about."""

    runs: tuple[Calibrated, ...]
    count: str
    notes: tuple[str, ...]
    incomplete: bool  # whether some pairs of an evaluation are left out


def calibrated(reader: StoreReader, selection: Selection) -> Calibrations:
    """A and B on the pairs both predicted; A alone where B predicted none of them."""
    missing: tuple[Calibrated, ...] = ()
    try:
        paired = paired_runs(reader, selection, others=False)
    except NliError as error:
        if selection.b is None:
            raise
        paired = paired_runs(reader, replace(selection, b=None))
        missing = (Calibrated(RunCalibration(selection.b, error), None),)
    measured = zip(calibrations(paired), paired.sides, strict=True)
    runs = tuple(Calibrated(each, side) for each, side in measured)
    return Calibrations((*runs, *missing), paired.count, paired.notes, paired.incomplete > 0)


class Side(Vertical):
    """One run's half; a scrollbar that comes or goes changes its width too."""

    class Widened(Message):
        """What was drawn for another width must be drawn again."""

    def on_resize(self) -> None:
        self.post_message(self.Widened())


class CalibrationScreen(ExplorerScreen):
    MODE = "calibration"
    LOADING = "computing the calibration …"
    AUTO_FOCUS = "#bins-a"

    def __init__(self) -> None:
        super().__init__()
        self._shown: Calibrations | None = None
        self._first = 0  # the first bin shown
        self._drawn_for: tuple[int, ...] = ()  # widths of the sides

    def compose_body(self) -> ComposeResult:
        with Vertical(id="calibration-body"):
            with VerticalScroll(id="calibration", can_focus=False):
                yield Static(id="calibration-note")
                with Container(id="reliability"):
                    for name in "ab":
                        with Side(id=f"side-{name}", classes="side"):
                            yield Static(id=f"summary-{name}")
                            yield Rows(id=f"bins-{name}")
                yield Static(id="risk")
            yield PreviewPane(id="calibration-preview")

    def load(self, selection: Selection) -> None:
        self.ask("calibration", self.kept(self.explorer.session.results, selection), self._show)

    @classmethod
    def compute(cls, reader: StoreReader, selection: Selection) -> Calibrations:
        return calibrated(reader, selection)

    def _show(self, shown: Calibrations) -> None:
        fresh = self._shown is None
        self._shown = shown
        runs = shown.runs
        bins = [each.result.bins for each in runs if isinstance(each.result, Calibration)]
        note = self.query_one("#calibration-note", Static)
        note.display = bool(shown.notes)
        note.update(Text("\n".join(map(visible, shown.notes)), self.palette.warning))
        self._first = _empty_at_first(bins)
        self.query_one("#side-b").display = len(runs) > 1
        for index, each in enumerate(runs):
            summary = self.query_one(f"#summary-{'ab'[index]}", Static)
            rows = self.query_one(f"#bins-{'ab'[index]}", Rows)
            if isinstance(each.result, NliError):
                summary.update(Text(visible(each.result.message), self.palette.muted))
                rows.show([])
                continue
            width = self.query_one(f"#side-{'ab'[index]}").size.width
            summary.update(self._summary(each, each.result, index, width))
            kept = each.result.bins[self._first :]
            drawn = [bin_row(b, index, width, self.palette) for b in kept]
            drawn.append(self._sure_row(each))
            rows.styles.height = len(drawn)
            rows.show(drawn, len(drawn) - 2 if fresh else None)
        self._drawn_for = self._widths()
        self.query_one("#risk", Static).update(self._risk(runs))
        self.preview()

    def look_changed(self) -> None:
        if self._shown:
            self._show(self._shown)

    def on_resize(self) -> None:
        self.call_after_refresh(self.look_changed)

    def on_side_widened(self) -> None:
        if self._drawn_for != self._widths():
            self.look_changed()

    def _widths(self) -> tuple[int, ...]:
        return tuple(side.size.width for side in self.query(Side))

    def _summary(self, each: Calibrated, c: Calibration, index: int, width: int) -> Text:
        palette = self.palette
        text = Text(f" {'AB'[index]} ", palette.badge(index), no_wrap=True, overflow="ellipsis")
        lines = Text(no_wrap=True).append_text(text)
        lines.append(f" {visible(each.run.name)}", palette.strong)
        lines.append(f"   {self._shown.count if self._shown else ''}\n", palette.muted)
        plain = (
            ("ECE", percent(c.ece)),
            ("MCE", percent(c.mce)),
            ("NLL", f"{c.nll:.3f}"),
            ("Brier", f"{c.brier:.3f}"),
            ("R²", "–" if c.r2 is None else f"{c.r2:.2f}"),
        )
        lines.append_text(measures(plain, width, palette)).append("\n")
        if c.temperature is not None:
            scaled = (
                ("at T", f"{c.temperature:.2f}"),
                ("ECE", f"{percent(c.held_out_ece)}→{percent(c.ece_after_temperature)}"),
                ("NLL", f"{_three(c.held_out_nll)}→{_three(c.nll_after_temperature)}"),
                ("Brier", f"{_three(c.held_out_brier)}→{_three(c.brier_after_temperature)}"),
            )
            lines.append_text(measures(scaled, width, palette))
        lines.append("\n\n")
        return lines.append("confidence      n  accuracy ▓ and confidence ┃", palette.muted)

    def _sure_row(self, each: Calibrated) -> Text:
        text = Text().append(f"wrong ≥{SURE:g}", self.palette.wrong)
        sure, sure_wrong = each.measured.sure, each.measured.sure_wrong
        text.append(f"{sure_wrong:>6,}  ")
        share = f"{percent(sure_wrong / sure)} % " if sure else ""
        return text.append(f"{share}of {sure:,} pairs", self.palette.muted)

    def _risk(self, runs: Sequence[Calibrated]) -> Text:
        series = []
        title = Text("risk and coverage: error rate, %, of the surest share   ", self.palette.muted)
        for index, each in enumerate(runs):
            if isinstance(each.result, Calibration):
                curve = each.result.risk.thinned(160)
                x, y = ([100 * value for value in curve[n]] for n in ("coverage", "risk"))
                letter, style = "AB"[index], self.palette.run(index)
                mark = letter if self.palette.mono and len(runs) > 1 else ""
                series.append(Series(x, y, style, mark=mark))
                title.append(f"{letter} " if mark else f"━ {letter} ", style)
                title.append(f"mean {curve['aurc'] * 100:.1f}   ", self.palette.muted)
        if not series:
            return Text()
        height = max(8, min(16, self.size.height - 30))
        width = max(40, min(self.size.width - 6, 110))
        axes = Axes(x=(0, 100))
        drawn = plot(series, width, height, self.palette.muted, axes, "coverage, %")
        return title.append("\n").append_text(drawn)

    def on_rows_moved(self, event: Rows.Moved) -> None:
        if event.rows.has_focus:
            self.preview()

    def on_rows_opened(self, event: Rows.Opened) -> None:
        self.open_it()
        if event.rows.id == "bins-b":
            self.notify("these are B's pairs: A and B are swapped now", timeout=3)

    def opening(self) -> tuple[str, dict[str, Any]] | None:
        """The pairs of the bin under the cursor, or the surest errors; B's with A and B swapped."""
        rows = self.focused
        if not isinstance(rows, Rows) or not self._shown:
            return None
        index = 0 if rows.id == "bins-a" else 1
        shown = self._shown.runs[index]
        result, side = shown.result, shown.side
        if isinstance(result, NliError) or side is None or side.outputs.confidence is None:
            return None
        place = rows.cursor + self._first
        if place < len(result.bins):
            low, high = result.bins[place].low, result.bins[place].high
            name, bin_of = f"{low:.1f}–{high:.1f}", bin_filter(result.bins, place)
            mask = bin_index(side.outputs.confidence) == place
        else:
            name = f"wrong at ≥ {SURE:g}"
            bin_of = Filter.of({"is": "wrong", "conf": Range(SURE)}, sort="-conf")
            mask = (side.outputs.confidence >= SURE) & ~side.outputs.correct
        selection = self.selection
        changes: dict[str, Any] = {"filter": bin_of}
        name = f"{'AB'[index]} {name}"
        if self._shown.incomplete:  # the filter would bring pairs that were not counted
            changes = {"subset": Subset(name, side.arrays.ids[mask])}
        if index:
            if not selection.is_whole:  # the filter reads from A's side
                within = selection.filter.to_text() or (selection.subset and selection.subset.name)
                changes = {"subset": Subset(f"{name} in {within}", side.arrays.ids[mask])}
            changes |= {"a": selection.b, "b": selection.a, "split": side.split}
        return name, changes

    def command(self) -> str:
        return self.command_of("calibration")

    def table(self) -> Table | None:
        rows = []
        for each in self._shown.runs if self._shown else ():
            for b in each.result.bins if isinstance(each.result, Calibration) else ():
                figures = [percent(value) for value in (b.confidence, b.accuracy)]
                rows.append([each.run.name, f"{b.low:.1f}–{b.high:.1f}", f"{b.n:,}", *figures])
        return Table(["run", "bin", "n", "confidence, %", "accuracy, %"], rows)

    def as_dict(self) -> dict[str, Any]:
        return {
            each.run.name: {"error": each.result.message}
            if isinstance(each.result, NliError)
            else each.result.as_dict()
            for each in (self._shown.runs if self._shown else ())
        }


def _empty_at_first(tables: Sequence[tuple[Bin, ...]]) -> int:
    """How many of the lowest bins hold no pair of any run: with three classes, always three."""
    filled = [place for bins in tables for place, b in enumerate(bins) if b.n]
    return min(filled, default=0)


def bin_filter(bins: tuple[Bin, ...], index: int) -> Filter:
    """The pairs of [low, high), surest first; the last bin holds 1.0 too."""
    low, high = round(bins[index].low, 10), round(bins[index].high, 10)
    last = index == len(bins) - 1
    held = Range(low or None, None if last else math.nextafter(high, 0))
    return Filter.of({"conf": held}, sort="-conf")


def bin_row(b: Bin, index: int, width: int, palette: Palette) -> Text:
    """`0.9–1.0  3,119  ████████▓░┃   −1.2`"""
    text = Text(f"{b.low:.1f}–{b.high:.1f} {b.n:>8,}  ", palette.muted if b.n < FEW_PAIRS else "")
    if b.accuracy is None or b.confidence is None or b.ci_low is None or b.ci_high is None:
        return text.append("–", palette.faint)
    size = max(8, min(width - 33, 60))
    text.append_text(
        interval_bar(b.accuracy, b.ci_low, b.ci_high, size, palette.run(index), b.confidence)
    )
    gap = (b.accuracy - b.confidence) * 100
    surely = not b.ci_low <= b.confidence <= b.ci_high
    text.append(f" {percent(b.accuracy):>5}")
    return text.append(f" {signed(gap, 1):>6}", palette.warning if surely else palette.muted)


def measures(items: Sequence[tuple[str, str]], width: int, palette: Palette) -> Text:
    """`ECE 2.4   MCE 12.3`: closer where it's narrow, and a line ends between two of them."""
    sizes = [len(name) + 1 + len(value) for name, value in items]
    gap = next((g for g in (3, 2, 1) if sum(sizes) + g * (len(items) - 1) <= width), 2)
    text, used = Text(), 0
    for (name, value), size in zip(items, sizes, strict=True):
        if used and used + gap + size > width:
            text.append("\n")
            used = 0
        elif used:
            text.append(" " * gap)
            used += gap
        text.append(f"{name} ", palette.muted).append(value)
        used += size
    return text


def _three(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
