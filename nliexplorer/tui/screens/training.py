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
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.state import Selection
from nliexplorer.view.plot import Axes, Series, plot, smoothed
from nliexplorer.view.text import visible

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
    Curve("accuracy", "dev accuracy, %", dev=lambda m: m.accuracy * 100),
    Curve("ece", "dev ECE, %", dev=lambda m: None if m.ece is None else m.ece * 100),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    run: Run
    steps: list[StepRecord]
    validations: list[tuple[int, float, Metrics]]
    map: DatasetMap | None


class TrainingScreen(ExplorerScreen):
    MODE = "training"
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
            yield Static(id="map")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(FOLLOW_SECONDS, self._follow)

    def _usable(self, selection: Selection) -> bool:
        return bool(selection.a) or super()._usable(selection)

    def load(self, selection: Selection) -> None:
        self.ask("training", partial(self._read, selection), self._show)

    def _read(self, selection: Selection, reader: StoreReader) -> list[Trained]:
        found = []
        for run in selection.runs:
            recorded = reader.dynamics(run.id)
            drawn = None
            if recorded is not None and len(recorded.example_ids):
                drawn = dataset_map(recorded.gold_probability, recorded.correct)
            steps, validations = reader.steps(run.id), reader.validations(run.id)
            found.append(Trained(run, steps, validations, drawn))
        return found

    def _follow(self) -> None:
        running = any(each.run.status == "running" for each in self._shown)
        if running and self.is_current and not self.asked("training"):
            self.load(self.selection)

    def _show(self, found: list[Trained]) -> None:
        self._shown = found
        if not any(each.steps or each.validations for each in found):
            self.notice("nothing was recorded of the training of these runs",
                        "imported runs have predictions alone")  # fmt: skip
            return
        self.clear_notice()
        self.query_one("#training-title", Static).update(self._title())
        for curve in CURVES:
            panel = self.query_one(f"#curve-{curve.id}", Static)
            series = [self._series(curve, each, i) for i, each in enumerate(found)]
            drawn = [each for each in series if each.x]
            panel.display = bool(drawn)
            if drawn:
                panel.update(self._drawn(curve, drawn, panel.size.width))
        self.query_one("#map", Static).update(self._map())

    def look_changed(self) -> None:
        if self._shown:
            self._show(self._shown)

    def on_resize(self) -> None:
        self.call_after_refresh(self.look_changed)

    def _title(self) -> Text:
        text = Text(no_wrap=True)
        for index, each in enumerate(self._shown):
            text.append(f" {'AB'[index]} ", self.palette.badge(index))
            text.append(f" {visible(each.run.name)}", self.palette.strong)
            last = each.steps[-1].step if each.steps else 0
            text.append(f" {last:,} steps", self.palette.muted)
            text.append("  ● running   " if each.run.status == "running" else "   ",
                        self.palette.warning)  # fmt: skip
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
        return Series(x, y, self.palette.run(index))

    def _drawn(self, curve: Curve, series: list[Series], width: int) -> Text:
        text = Text(curve.title + "\n", self.palette.muted, no_wrap=True)
        height = 9 if self.size.height < 45 else 14
        axes = Axes(y=(0.0, 1.0)) if curve.id == "saturation" else None
        drawn = plot(series, max(width - 2, 30), height, self.palette.muted, axes, "step")
        return Text(no_wrap=True).append_text(text).append_text(drawn)

    def _map(self) -> Text:
        text = Text(no_wrap=True)
        for index, each in enumerate(self._shown):
            if each.map is None:
                continue
            text.append(f" {'AB'[index]} ", self.palette.badge(index))
            text.append(
                " dataset map: mean P(gold) on its spread over epochs   ", self.palette.muted
            )
            regions = each.map.region
            for name in REGIONS:
                text.append(f"{name} ", self.palette.muted)
                text.append(f"{regions.count(name):,}   ")
            points = Series(each.map.variability.tolist(), each.map.confidence.tolist(),
                            self.palette.run(index), joined=False)  # fmt: skip
            width = max(40, min(self.size.width - 6, 100))
            axes = Axes(x=(0.0, 0.5), y=(0.0, 1.0))
            text.append("\n")
            text.append_text(plot([points], width, 14, self.palette.muted, axes, "variability"))
            text.append("\n")
        return text

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
