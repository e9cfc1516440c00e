"""Whole evaluations as arrays, for the analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.store.reading.connection import ReadConnection

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_COLUMNS = (
    "p.id, p.example_id, p.position, p.gold, p.predicted, p.correct, p.length, p.confidence, "
    "p.p_entailment, p.p_neutral, p.p_contradiction, "
    "p.logit_entailment, p.logit_neutral, p.logit_contradiction"
)
_WHOLE = 7  # columns that are whole numbers


@dataclass(frozen=True, slots=True)
class PredictionArrays:
    """n predictions of one evaluation, in the order of the split."""

    ids: IntArray  # [n] rows of predictions, for `rows_by_id`
    example_ids: IntArray  # [n] rows of examples
    position: IntArray
    gold: IntArray  # [n] 0 ... 3, as in records
    predicted: IntArray  # [n] 0 ... 2
    correct: npt.NDArray[np.bool_]
    length: IntArray
    confidence: FloatArray | None  # [n] None where only labels are known
    probabilities: FloatArray | None  # [n, 3]
    logits: FloatArray | None  # [n, 3]

    def __len__(self) -> int:
        return len(self.example_ids)

    def take(self, index: Any) -> PredictionArrays:
        """The rows that a numpy index or mask picks."""
        changes: Any = {
            field.name: None if column is None else column[index]
            for field in fields(self)
            for column in [getattr(self, field.name)]
        }
        return replace(self, **changes)


def read_arrays(
    connection: ReadConnection, where: str, parameters: Sequence[object]
) -> PredictionArrays:
    """The predictions `p` that meet the condition, in the order of the split."""
    sql = f"select {_COLUMNS} from predictions p where {where} order by p.position"
    blocks = connection.tuples(sql, parameters)
    tables = [np.array(rows, dtype=np.float64) for rows in blocks]  # NULL becomes NaN
    return _arrays(np.concatenate([np.empty((0, 14)), *tables]))


def aligned(a: PredictionArrays, b: PredictionArrays) -> tuple[PredictionArrays, PredictionArrays]:
    """The pairs that both hold, in the order of a: the same pair at the same index."""
    _, i, j = np.intersect1d(a.example_ids, b.example_ids, assume_unique=True, return_indices=True)
    order = np.argsort(a.position[i], kind="stable")
    return a.take(i[order]), b.take(j[order])


def _arrays(table: FloatArray) -> PredictionArrays:
    """Columns of `_COLUMNS`; a figure that some row lacks counts as unknown."""
    whole = [np.ascontiguousarray(table[:, i]).astype(np.int64) for i in range(_WHOLE)]

    def known(columns: FloatArray) -> FloatArray | None:
        return None if np.isnan(columns).any() or not len(columns) else columns

    return PredictionArrays(
        ids=whole[0],
        example_ids=whole[1],
        position=whole[2],
        gold=whole[3],
        predicted=whole[4],
        correct=whole[5].astype(bool),
        length=whole[6],
        confidence=known(table[:, 7]),
        probabilities=known(table[:, 8:11]),
        logits=known(table[:, 11:14]),
    )
