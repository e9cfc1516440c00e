"""Attributions and training dynamics of a whole run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.records import Attribution
from nliexplorer.store.connection import sqlite_errors
from nliexplorer.store.reading.arrays import ArraysReader, FloatArray, IntArray
from nliexplorer.store.rows import attribution_from

#: Columns of `attributions` that describe its shape.
SHAPE_COLUMNS = (
    "variance",
    "entropy",
    "gini",
    "premise_share",
    "hypothesis_share",
    "special_share",
)


@dataclass(frozen=True, slots=True)
class AttributedPair:
    """A prediction of a run with its attribution."""

    id: int  # row of predictions
    premise: str
    hypothesis: str
    gold: int
    predicted: int
    correct: bool
    attribution: Attribution


@dataclass(frozen=True, slots=True, eq=False)
class Dynamics:
    """Training pairs over epochs: P(gold) and correctness, [epochs, n]; NaN where not recorded."""

    example_ids: IntArray
    gold_probability: FloatArray
    correct: npt.NDArray[np.bool_]


class StatisticsReader(ArraysReader):
    """Where a pair has several attributions, the newest of the gold class counts."""

    def attribution_shapes(self, run_id: str, example_ids: IntArray) -> dict[str, FloatArray]:
        """Each of SHAPE_COLUMNS [n], NaN where unknown; empty where the run has none at all."""
        columns = ", ".join(SHAPE_COLUMNS)
        rows = self._all(
            f"select example_id, {columns} from attributions where run_id = ? "
            "order by target_kind = 'gold', id",
            (run_id,),
        )
        known = {row[0]: row for row in rows}
        if not known:
            return {}
        nothing = (None,) * (len(SHAPE_COLUMNS) + 1)
        table = [tuple(known.get(int(i), nothing))[1:] for i in example_ids]
        values = np.array(table, dtype=np.float64).reshape(len(table), len(SHAPE_COLUMNS))
        return {name: values[:, i] for i, name in enumerate(SHAPE_COLUMNS)}

    def attributed_pairs(self, run_id: str, split: str | None = None) -> Iterator[AttributedPair]:
        """Every pair of the split with an attribution, a gold label and an answer, in order."""
        with sqlite_errors(self.path):
            rows = self._connection.execute(
                "select p.id as prediction, p.predicted, p.correct, x.premise, x.hypothesis, "
                "x.gold, a.* from predictions p join examples x on x.id = p.example_id "
                "join attributions a on a.example_id = p.example_id and a.run_id = ? "
                "where p.evaluation_id = ? and p.correct is not null "
                "order by p.position, a.target_kind = 'gold', a.id",
                (run_id, self.evaluation_id(run_id, split)),
            )
            last: AttributedPair | None = None
            for row in rows:
                if last is not None and last.id != row["prediction"]:
                    yield last
                last = AttributedPair(
                    row["prediction"],
                    row["premise"],
                    row["hypothesis"],
                    row["gold"],
                    row["predicted"],
                    bool(row["correct"]),
                    attribution_from(row),
                )
            if last is not None:
                yield last

    def dynamics(self, run_id: str) -> Dynamics | None:
        """What training recorded of its pairs, or None.

        An epoch that ended early is left out where others did not, and so are pairs that miss one.
        """
        rows = self._all(
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
