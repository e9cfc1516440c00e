"""Whole evaluations as arrays, for the analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.errors import NliError
from nliexplorer.records import UNKNOWN, Example
from nliexplorer.store.connection import sqlite_errors
from nliexplorer.store.filters import Filter, compile_filter
from nliexplorer.store.reading.pairs import PairsReader
from nliexplorer.store.rows import example_from

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


class ArraysReader(PairsReader):
    """Columns, not rows."""

    def arrays(
        self,
        run_id: str,
        split: str | None = None,
        wanted: Filter | None = None,
        *,
        scored_only: bool = True,
    ) -> PredictionArrays:
        """All predictions of a run on a split (those that pass the filter).

        Without those that can be neither right nor wrong, for want of a gold label or an answer,
        unless `scored_only` is False.
        """
        wanted = wanted or Filter()
        where, parameters = compile_filter(wanted, self.scope(run_id, split, wanted))
        where = f"({where}) and p.correct is not null" if scored_only else where
        sql = f"select {_COLUMNS} from predictions p where {where} order by p.position"
        with sqlite_errors(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None
            blocks = [np.empty((0, _WIDTH))]
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(50_000):  # NULL becomes NaN
                blocks.append(np.array(rows, dtype=np.float64))
        return _arrays(np.concatenate(blocks))

    def paired(
        self, a: str, b: str, split: str | None = None, wanted: Filter | None = None
    ) -> tuple[PredictionArrays, PredictionArrays, int, int]:
        """(a's, b's, only in a, only in b), rows aligned: the same pair at the same index.

        `split` None: a's default split, and b's evaluation of the same pairs by whatever name.
        The filter is read from a's side.
        """
        wanted = wanted or Filter()
        split = split or self.default_split(a)
        left = self.arrays(a, split, wanted)
        right = self.arrays(b, self.counterpart_split(a, b, split))
        shared, i, j = np.intersect1d(
            left.example_ids, right.example_ids, assume_unique=True, return_indices=True
        )
        if not len(shared):
            raise NliError("the two runs have no pair in common", "evaluate both on the same data")
        order = np.argsort(left.position[i], kind="stable")
        only_right = 0 if not wanted.is_empty else len(right) - len(shared)
        return (
            left.take(i[order]),
            right.take(j[order]),
            len(left) - len(shared),
            only_right,
        )

    def counterpart_split(self, a: str, b: str, split: str) -> str:
        """What b calls the split whose pairs a calls `split`."""
        other = self._counterpart(self.evaluation_id(a, split), b)
        row = self._one("select split from evaluations where id = ?", (other,))
        assert row is not None
        found: str = row["split"]
        return found

    def texts(self, example_ids: Sequence[int] | IntArray) -> tuple[list[str], list[str]]:
        """(premises, hypotheses) in the order of the row ids."""
        found = self._stored(example_ids, "id, premise, hypothesis")
        rows = [found[int(i)] for i in example_ids]
        return [row["premise"] for row in rows], [row["hypothesis"] for row in rows]

    def keys(self, example_ids: Sequence[int] | IntArray) -> list[str]:
        """Content addresses in the order of the row ids."""
        found = self._stored(example_ids, "id, key")
        return [found[int(i)]["key"] for i in example_ids]

    def stored_examples(self, example_ids: Sequence[int] | IntArray) -> list[Example]:
        """Whole pairs in the order of the row ids."""
        found = self._stored(example_ids, "*")
        return [example_from(found[int(i)]) for i in example_ids]

    def _stored(self, example_ids: Sequence[int] | IntArray, columns: str) -> dict[int, Any]:
        numbers = [int(i) for i in example_ids]
        found: dict[int, Any] = {}
        for start in range(0, len(numbers), 5_000):
            chunk = numbers[start : start + 5_000]
            marks = ",".join("?" * len(chunk))
            rows = self._all(f"select {columns} from examples where id in ({marks})", chunk)
            found |= {row["id"]: row for row in rows}
        return found


def _arrays(table: FloatArray) -> PredictionArrays:
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
    )
