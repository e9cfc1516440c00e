"""Curves of training: cross-entropy, penalty, total, saturation, dev metrics; a dataset map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.widgets import Static

from nliexplorer.analysis.dynamics import REGIONS, DatasetMap, dataset_map
from nliexplorer.records import Metrics, Run, StepRecord
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.copying import Table
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.state import Selection
from nliexplorer.tui.widths import WIDE
from nliexplorer.view.bars import seconds
from nliexplorer.view.pair import LETTERS
from nliexplorer.view.plot import SHARED, Axes, Series, plot, smoothed

FOLLOW_SECONDS = 1.0
#: Curves are drawn from at most this many means.
POINTS = 400


@dataclass(frozen=True, slots=True)
class Curve:
    """One panel: a figure of each step, or of each validation."""

    id: str
    title: str
    step: Callable[[StepRecord], float | None] | None = None
    dev: Callable[[Metrics], float | None] | None = None


CURVES: tuple[Curve, ...] = (
    Curve("ce", "cross-entropy, nats", step=lambda s: s.ce),
    Curve("total", "total loss (Fig. 1)", step=lambda s: s.total),
    Curve("penalty", "penalty λ·tanh(α·V)", step=lambda s: s.penalty),
    Curve("saturation", "saturation tanh(α·V): near 1 the penalty teaches little",
          step=lambda s: s.saturation),
    Curve("accuracy", "dev accuracy, %", dev=lambda m: (m.accuracy or 0.0) * 100),
    Curve("nll", "dev NLL, nats", dev=lambda m: m.nll),
    Curve("ece", "dev ECE, %", dev=lambda m: None if m.ece is None else m.ece * 100),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    run: Run
    steps: list[StepRecord]
    validations: list[tuple[int, float, Metrics]]
    total: int | None  # planned steps
    map: DatasetMap | None


class TrainingScreen(ExplorerScreen):
    MODE = "training"
    LOADING = "reading the steps of the training …"
    FILTERS = False
    AUTO_FOCUS = "#training"

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[Trained] = []

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="training"):
            yield Static(id="training-title", classes="heading")
            with Container(id="curves"):
                for curve in CURVES:
                    yield Static(id=f"curve-{curve.id}", classes="curve")
                for name in "ab":
                    yield Static(id=f"map-{name}", classes="curve")

    def on_mount(self) -> None:
        self.set_interval(FOLLOW_SECONDS, self._follow)

    def _usable(self, selection: Selection) -> bool:
        return bool(selection.a) or super()._usable(selection)

    def depends_on(self, selection: Selection) -> object:
        return (super().depends_on(selection), selection.others)

    def load(self, selection: Selection) -> None:
        self.ask("training", partial(self._read, selection), self._show)

    def _read(self, selection: Selection, reader: StoreReader) -> list[Trained]:
        trained = []
        for run in selection.all_runs:
            recorded = reader.dynamics.pairs(run.id)
            drawn = None
            if recorded is not None and len(recorded.example_ids):
                drawn = dataset_map(recorded.gold_probability, recorded.correct)
            steps, validations = reader.dynamics.steps(run.id), reader.dynamics.validations(run.id)
            total = reader.dynamics.progress(run.id)[1]
            trained.append(Trained(run, steps, validations, total, drawn))
        return trained

    def _follow(self) -> None:
        running = any(each.run.status == "running" for each in self._shown)
        if running and self.is_current and not self.pending("training"):
            self.load(self.selection)

    def _show(self, trained: list[Trained]) -> None:
        self._shown = trained
        if not any(each.steps or each.validations for each in trained):
            self.notice("no training history was recorded for these runs",
                        "imported runs have predictions only")  # fmt: skip
            return
        self.clear_notice()
        self.query_one("#training-title", Static).update(self._title())
        panels = self._panels()
        columns = 2 if self.size.width < WIDE else 3
        rows = -(-len(panels) // columns)
        size = ((self.size.width - 4) // columns - 3, self._height(rows))
        for panel in self.query(".curve").results(Static):
            draw = panels.get(str(panel.id))
            panel.display = draw is not None
            if draw:
                panel.update(draw(size))

    def _panels(self) -> dict[str, Callable[[tuple[int, int]], Text]]:
        """What there is to draw, by the id of its panel; each takes (width, height)."""
        panels: dict[str, Callable[[tuple[int, int]], Text]] = {}
        for curve in CURVES:
            series = [self._series(curve, each, i) for i, each in enumerate(self._shown)]
            drawn = [each for each in series if each.x]
            if drawn:
                panels[f"curve-{curve.id}"] = partial(self._drawn, curve, drawn)
        for index, each in enumerate(self._shown):
            if each.map and index < 2:
                panels[f"map-{'ab'[index]}"] = partial(self._map, each.map, index)
        return panels

    def _height(self, rows: int) -> int:
        """Of a plot, so that `rows` of panels fill the screen if that leaves enough to see."""
        room = self.query_one("#training").size.height - 2
        return max(9, min(room // max(rows, 1) - 2, 24))

    def look_changed(self) -> None:
        if self._shown:
            self._show(self._shown)

    def on_resize(self) -> None:
        self.call_after_refresh(self.look_changed)

    def _title(self) -> Text:
        text = Text(no_wrap=True)
        for index, each in enumerate(self._shown):
            line = "" if self.palette.mono else "━ "
            text.append(f"{line}{LETTERS[index]}", self.palette.run(index))
            last = each.steps[-1].step if each.steps else 0
            total = f" of {each.total:,}" if each.total and each.total != last else ""
            text.append(f" {last:,}{total} steps", self.palette.muted)
            if each.run.status == "running":
                text.append(f"  ● running{_to_go(each, last)}", self.palette.warning)
            text.append("   ")
        if len(self._shown) > 1 and not self.palette.mono:
            text.append("━ shared", SHARED)
        return text

    def _series(self, curve: Curve, each: Trained, index: int) -> Series:
        x: list[float]
        y: list[float]
        if curve.step:
            pairs = [(s.step, v) for s in each.steps if (v := curve.step(s)) is not None]
            x, y = [float(a) for a, _ in pairs], [b for _, b in pairs]
            y = smoothed(y, max(1, len(y) // 50))
            every = max(1, len(x) // POINTS)
            x, y = x[::every], y[::every]
        else:
            assert curve.dev
            points = [(s, v) for s, _, m in each.validations if (v := curve.dev(m)) is not None]
            x, y = [float(a) for a, _ in points], [b for _, b in points]
        mark = LETTERS[index] if self.palette.mono and len(self._shown) > 1 else ""
        return Series(x, y, self.palette.run(index), mark=mark)

    def _drawn(self, curve: Curve, series: list[Series], size: tuple[int, int]) -> Text:
        title = Text(curve.title, self.palette.muted)
        title.truncate(size[0], overflow="ellipsis")
        text = Text(no_wrap=True).append_text(title).append("\n")
        axes = Axes(y=(0.0, 1.0)) if curve.id == "saturation" else None
        drawn = plot(series, *size, self.palette.muted, axes, "step")
        return text.append_text(drawn)

    def _map(self, drawn: DatasetMap, index: int, size: tuple[int, int]) -> Text:
        text = Text("dataset map of ", self.palette.muted, no_wrap=True)
        text.append(LETTERS[index], self.palette.run(index)).append(": P(gold) over its spread  ")
        for name in REGIONS:
            text.append(f" {name} ").append(f"{drawn.region.count(name):,}", self.palette.strong)
        points = Series(drawn.variability.tolist(), drawn.confidence.tolist(),
                        self.palette.run(index), joined=False)  # fmt: skip
        axes = Axes(x=(0.0, 0.5), y=(0.0, 1.0))
        text.append("\n")
        return text.append_text(
            plot([points], *size, self.palette.muted, axes, "spread over epochs")
        )

    def table(self) -> Table:
        """The last figures of each curve."""
        rows = []
        for each in self._shown:
            cells = [each.run.name, f"{each.steps[-1].step:,}" if each.steps else "–"]
            for curve in CURVES:
                y = self._series(curve, each, 0).y
                cells.append(f"{y[-1]:.4g}" if y else "–")
            rows.append(cells)
        return Table(["run", "steps", *(curve.title for curve in CURVES)], rows)

    def as_dict(self) -> dict[str, Any]:
        return {
            each.run.name: {
                "steps": len(each.steps),
                "last": None if not each.steps else _plain(each.steps[-1]),
                "validations": [
                    {"step": step, **metrics.as_dict()} for step, _, metrics in each.validations
                ],
            }
            for each in self._shown
        }


def _plain(step: StepRecord) -> dict[str, Any]:
    return {name: getattr(step, name) for name in StepRecord.__dataclass_fields__}


def _to_go(each: Trained, last: int) -> str:
    """`, 3 min 20 s to go`, by the pace of the last steps; empty where nothing tells."""
    pace = [step.seconds for step in each.steps[-20:] if step.seconds]
    if not each.total or not pace:
        return ""
    if last >= each.total:
        return ", predictions and attributions follow"
    return f", {seconds((each.total - last) * sum(pace) / len(pace))} to go"
