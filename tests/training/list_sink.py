"""A sink that keeps what training reports."""

from __future__ import annotations

from nliexplorer.records import Metrics, StepRecord
from nliexplorer.training.dynamics import DynamicsBatch


class ListSink:
    """Keeps everything in lists."""

    def __init__(self) -> None:
        self.steps: list[StepRecord] = []
        self.evaluations: list[tuple[int, float, Metrics]] = []
        self.dynamics: list[DynamicsBatch] = []
        self.log: list[str] = []
        self.updates = 0

    def on_start(self, updates: int) -> None:
        self.updates = updates

    def on_step(self, step: StepRecord) -> None:
        self.steps.append(step)

    def on_evaluation(self, step: int, epoch: float, metrics: Metrics) -> None:
        self.evaluations.append((step, epoch, metrics))

    def on_dynamics(self, batch: DynamicsBatch) -> None:
        self.dynamics.append(batch)

    def on_log(self, text: str) -> None:
        self.log.append(text)
