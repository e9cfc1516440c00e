"""What was recorded while a run was trained: steps, validations, its training pairs by epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.errors import NliError
from nliexplorer.records import Metrics, StepRecord
from nliexplorer.store.reading.arrays import FloatArray, IntArray
from nliexplorer.store.reading.connection import ReadConnection
from nliexplorer.store.rows import metrics_from, step_from


@dataclass(frozen=True, slots=True, eq=False)
class Dynamics:
    """Training pairs over epochs: P(gold) and correctness, [epochs, n]; NaN where not recorded."""

    example_ids: IntArray
    gold_probability: FloatArray
    correct: npt.NDArray[np.bool_]


class DynamicsReader:
    """The course of a training, also while it runs."""

    def __init__(self, connection: ReadConnection) -> None:
        self._connection = connection

    def steps(self, run_id: str, after: int = 0) -> list[StepRecord]:
        """Updates with a number above `after`, in order."""
        rows = self._connection.all(
            "select * from steps where run_id = ? and step > ? order by step", (run_id, after)
        )
        return [step_from(row) for row in rows]

    def validations(self, run_id: str) -> list[tuple[int, float, Metrics]]:
        """(step, epoch, metrics) while training."""
        rows = self._connection.all(
            "select * from validations where run_id = ? order by step", (run_id,)
        )
        return [(row["step"], row["epoch"], metrics_from(row)) for row in rows]

    def progress(self, run_id: str) -> tuple[int, int | None, str]:
        """(last step, planned steps, time of the last sign of life) of a run in training."""
        row = self._connection.one(
            "select total_steps, updated_at, "
            "(select max(step) from steps where run_id = runs.id) as step from runs where id = ?",
            (run_id,),
        )
        if row is None:
            raise NliError(f"there is no run {run_id}", "see: nliexplorer runs list")
        return row["step"] or 0, row["total_steps"], row["updated_at"]

    def pairs(self, run_id: str) -> Dynamics | None:
        """What training recorded of its pairs, or None.

        An epoch that ended early is left out where others did not, and so are pairs that miss one.
        """
        rows = self._connection.all(
            "select example_id, epoch, gold_probability, correct from dynamics "
            "where run_id = ? order by epoch, example_id",
            (run_id,),
        )
        if not rows:
            return None
        table = np.array([tuple(row) for row in rows], dtype=np.float64)
        epochs, count = np.unique(table[:, 1], return_counts=True)
        table = table[np.isin(table[:, 1], epochs[count == count.max()])]
        epochs, epoch = np.unique(table[:, 1], return_inverse=True)
        pairs, pair = np.unique(table[:, 0].astype(np.int64), return_inverse=True)
        p = np.full((len(epochs), len(pairs)), np.nan)
        right = np.zeros(p.shape, dtype=bool)
        p[epoch, pair] = table[:, 2]
        right[epoch, pair] = table[:, 3] > 0
        whole = ~np.isnan(p).any(axis=0)
        return Dynamics(pairs[whole], p[:, whole], right[:, whole])
