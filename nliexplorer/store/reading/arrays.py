"""Whole evaluations as arrays, for the analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.records import UNKNOWN
from nliexplorer.store.reading.connection import ReadConnection

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_COLUMNS = (
    "p.id, p.example_id, p.position, p.gold, p.predicted, p.correct, p.length, p.confidence, "
    "p.p_entailment, p.p_neutral, p.p_contradiction, "
    "p.logit_entailment, p.logit_neutral, p.logit_contradiction, "
    "p.p_non_entailment, p.logit_non_entailment"
)
_WIDTH = 16


@dataclass(frozen=True, slots=True)
class PredictionArrays:
    """n predictions of one evaluation, in the order of the split.

    Scores follow the order of records.LABELS, those of two-way heads that of records.TWO_WAY.
    """

    ids: IntArray  # [n] rows of predictions, for `rows_by_id`
    example_ids: IntArray  # [n] rows of examples
    position: IntArray
    gold: IntArray  # [n] 0 ... 3, as in records, or UNKNOWN
    predicted: IntArray  # [n] 0 ... 3, or UNKNOWN
    correct: npt.NDArray[np.bool_]  # False where gold or predicted is unknown
    length: IntArray
    confidence: FloatArray | None  # [n] None where only labels are known
    probabilities: FloatArray | None  # [n, 3], or [n, 2] of a two-way head
    logits: FloatArray | None  # as probabilities

    two_label: bool = False  # whether the whole evaluation's gold labels are two

    def __len__(self) -> int:
        return len(self.example_ids)

    def take(self, index: Any) -> PredictionArrays:
        """The rows that a numpy index or mask picks."""
        changes: Any = {
            field.name: column[index]
            for field in fields(self)
            if isinstance(column := getattr(self, field.name), np.ndarray)
        }
        return replace(self, **changes)


def read_arrays(
    connection: ReadConnection,
    where: str,
    parameters: Sequence[object],
    *,
    scored_only: bool = True,
    two_label: bool = False,
) -> PredictionArrays:
    """The predictions `p` that meet the condition, in the order of the split.

    Without those that can be neither right nor wrong, for want of a gold label or an answer,
    unless `scored_only` is False.
    """
    where = f"({where}) and p.correct is not null" if scored_only else where
    sql = f"select {_COLUMNS} from predictions p where {where} order by p.position"
    blocks = connection.tuples(sql, parameters)
    tables = [np.array(rows, dtype=np.float64) for rows in blocks]  # NULL becomes NaN
    return _arrays(np.concatenate([np.empty((0, _WIDTH)), *tables]), two_label)


def aligned(a: PredictionArrays, b: PredictionArrays) -> tuple[PredictionArrays, PredictionArrays]:
    """The pairs in both, in the order of a: the same pair at the same index."""
    _, i, j = np.intersect1d(a.example_ids, b.example_ids, assume_unique=True, return_indices=True)
    order = np.argsort(a.position[i], kind="stable")
    return a.take(i[order]), b.take(j[order])


def _arrays(table: FloatArray, two_label: bool) -> PredictionArrays:
    """Columns of `_COLUMNS`; a figure that some row lacks counts as unknown."""

    def whole(column: int) -> IntArray:
        return np.nan_to_num(table[:, column], nan=UNKNOWN).astype(np.int64)

    def known(columns: FloatArray) -> FloatArray | None:
        return None if np.isnan(columns).any() or not len(columns) else columns

    def scores(first: int, non_entailment: int) -> FloatArray | None:
        three, two = table[:, first : first + 3], table[:, [first, non_entailment]]
        return known(three) if np.isnan(two[:, 1]).all() else known(two)

    return PredictionArrays(
        ids=whole(0),
        example_ids=whole(1),
        position=whole(2),
        gold=whole(3),
        predicted=whole(4),
        correct=whole(5) > 0,
        length=whole(6),
        confidence=known(table[:, 7]),
        probabilities=scores(8, 14),
        logits=scores(11, 15),
        two_label=two_label,
    )
