"""Training's events into the store, in short transactions while the run goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence

from nliexplorer.records import Metrics, StepRecord
from nliexplorer.store.writer import StoreWriter

FLUSH_SECONDS = 1.0


class StoreSink:
    """A training.sink.RunSink over a StoreWriter; steps are written at most once a second."""

    def __init__(self, writer: StoreWriter, run_id: str) -> None:
        self._writer = writer
        self._run_id = run_id
        self._steps: list[StepRecord] = []
        self._flushed = time.monotonic()

    def on_start(self, total_steps: int) -> None:
        self._writer.set_total_steps(self._run_id, total_steps)

    def on_step(self, record: StepRecord) -> None:
        self._steps.append(record)
        if time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def on_evaluation(self, step: int, epoch: float, metrics: Metrics) -> None:
        self.flush()
        self._writer.add_validation(self._run_id, step, epoch, metrics)

    def on_dynamics(
        self,
        epoch: int,
        rows: Sequence[int],
        probabilities: Sequence[float],
        correct: Sequence[bool],
    ) -> None:
        """Per-epoch gold probabilities of the training rows numbered `rows`."""
        self._writer.add_dynamics(self._run_id, epoch, rows, probabilities, correct)

    def on_log(self, text: str) -> None:
        self._writer.add_log(self._run_id, text)

    def flush(self) -> None:
        if self._steps:
            self._writer.add_steps(self._run_id, self._steps)
            self._steps = []
        self._flushed = time.monotonic()
