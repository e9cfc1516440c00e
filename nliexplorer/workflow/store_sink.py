"""Training's events into the store, in short transactions while the run goes on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nliexplorer import processes
from nliexplorer.records import Example, Metrics, StepRecord
from nliexplorer.store.writer import StoreWriter

if TYPE_CHECKING:
    from nliexplorer.training.dynamics import DynamicsBatch

FLUSH_SECONDS = 1.0


@contextmanager
def main_writer(db: Path) -> Iterator[StoreWriter | None]:
    """A writer in the main process, None in the others, which wait until everything is written."""
    if not processes.is_main():
        yield None
    else:
        with StoreWriter(db) as writer:
            yield writer
    processes.barrier()


class StoreSink:
    """A training.sink.RunSink over a StoreWriter; steps are written at most once a second.

    `pairs` are the training pairs: they enter the database only where dynamics are recorded.
    """

    def __init__(self, writer: StoreWriter, run_id: str, pairs: Iterable[Example] = ()) -> None:
        self._writer = writer
        self._run_id = run_id
        self._pairs = pairs
        self._ids: NDArray[np.int64] | None = None
        self._steps: list[StepRecord] = []
        self.log: list[str] = []
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

    def on_dynamics(self, batch: DynamicsBatch) -> None:
        if self._ids is None:
            self._ids = np.asarray(self._writer.add_examples(self._pairs))
        self._writer.add_dynamics(
            self._run_id,
            batch.epoch,
            self._ids[batch.rows].tolist(),
            batch.gold_probability.tolist(),
            batch.correct.tolist(),
        )

    def on_log(self, text: str) -> None:
        """Kept for the run's summary; the user has been told."""
        self.log.append(text)

    def flush(self) -> None:
        if self._steps:
            self._writer.add_steps(self._run_id, self._steps)
            self._steps = []
        self._flushed = time.monotonic()
