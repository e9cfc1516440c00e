"""A sink that keeps what training reports."""

from __future__ import annotations

import os
import signal

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


class StoppingSink(ListSink):
    """Sends this process a signal after an update, as Ctrl-C would."""

    def __init__(self, after: int, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.after, self.number = after, number

    def on_step(self, step: StepRecord) -> None:
        super().on_step(step)
        if step.step == self.after:
            os.kill(os.getpid(), self.number)
