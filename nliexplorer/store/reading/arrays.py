"""Whole evaluations as arrays, for the analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.records import LABELS, NON_ENTAILMENT, TWO_WAY, UNKNOWN
from nliexplorer.store.reading.connection import ReadConnection

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_TWO = ("entailment", "non_entailment")
_KINDS = ("logit", "p")
_UNKNOWN_DIGIT = 7
#: Four small numbers as the digits of one: what reading costs is the Python objects.
_SMALL = (
    f"((p.length * 8 + ifnull(p.gold, {_UNKNOWN_DIGIT})) * 8 "
    f"+ ifnull(p.predicted, {_UNKNOWN_DIGIT})) * 2 + ifnull(p.correct, 0)"
)
_PLAIN = ("p.id", "p.example_id", _SMALL)
#: Rows fetched at once: few enough that their numbers stay in the cache while they are converted.
_BLOCK = 2_000


@dataclass(frozen=True, slots=True)
class PredictionArrays:
    """n predictions of one evaluation, in the order of the split.

    Scores follow the order of records.LABELS, those of two-way heads that of records.TWO_WAY.
    """

    ids: IntArray  # [n] rows of predictions, for `rows_by_id`
    example_ids: IntArray  # [n] rows of examples
    gold: IntArray  # [n] 0 ... 3, as in records, or UNKNOWN
    predicted: IntArray  # [n] 0 ... 3, or UNKNOWN
    correct: npt.NDArray[np.bool_]  # False where gold or predicted is unknown
    length: IntArray
    probabilities: FloatArray | None  # [n, 3], or [n, 2] of a two-way head; None if some lack them
    logits: FloatArray | None  # as probabilities

    two_label: bool = False  # whether the whole evaluation's gold labels are two

    @property
    def two_way(self) -> bool:
        """Whether the answers themselves are entailment or not, as `analysis.Outputs.two_way`."""
        scores = self.probabilities if self.logits is None else self.logits
        two_scores = scores is not None and scores.shape[1] == len(TWO_WAY)
        return two_scores or bool((self.predicted == NON_ENTAILMENT).any())

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
    every_score: bool = True,
) -> PredictionArrays:
    """The predictions `p` that meet the condition, in the order of the split.

    Without those that can be neither right nor wrong, for want of a gold label or an answer,
    unless `scored_only` is False. `every_score` False: no probabilities where all have logits,
    from which they follow; half as long to read.
    """
    where = f"({where}) and p.correct is not null" if scored_only else where
    columns = _score_columns(connection, where, parameters)
    read_first = columns if every_score else dict(list(columns.items())[:1])
    arrays = _read(connection, where, parameters, read_first, two_label)
    if len(read_first) < len(columns) and arrays.logits is None:  # some rows lack them
        return _read(connection, where, parameters, columns, two_label)
    return arrays


def _score_columns(
    connection: ReadConnection, where: str, parameters: Sequence[object]
) -> dict[str, list[str]]:
    """The columns of `logit` and of `p` that one row has: what it lacks, not all of them have."""
    row = connection.one(
        "select p.logit_entailment, p.p_entailment, p.logit_non_entailment, p.p_non_entailment "
        f"from predictions p where {where} limit 1",
        parameters,
    )
    if row is None:
        return {}
    names = _TWO if (row[2], row[3]) != (None, None) else LABELS
    kinds = [kind for kind, value in zip(_KINDS, row, strict=False) if value is not None]
    return {kind: [f"{kind}_{name}" for name in names] for kind in kinds}


def _read(
    connection: ReadConnection,
    where: str,
    parameters: Sequence[object],
    scores: Mapping[str, Sequence[str]],
    two_label: bool,
) -> PredictionArrays:
    names = [*_PLAIN, *(f"p.{name}" for kind in scores.values() for name in kind)]
    sql = f"select {', '.join(names)} from predictions p where {where} order by p.position"
    blocks = connection.tuples(sql, parameters, _BLOCK)
    tables = [np.array(rows, dtype=np.float64) for rows in blocks]  # NULL becomes NaN
    return _arrays(np.concatenate([np.empty((0, len(names))), *tables]), scores, two_label)


def aligned(a: PredictionArrays, b: PredictionArrays) -> tuple[PredictionArrays, PredictionArrays]:
    """The pairs in both, in the order of a: the same pair at the same index."""
    _, i, j = np.intersect1d(a.example_ids, b.example_ids, assume_unique=True, return_indices=True)
    order = np.argsort(i)
    return a.take(i[order]), b.take(j[order])


def _arrays(
    table: FloatArray, scores: Mapping[str, Sequence[str]], two_label: bool
) -> PredictionArrays:
    """Columns of `_PLAIN` and of the scores; a figure that some row lacks counts as unknown."""

    ids, example_ids, small = (table[:, column].astype(np.int64) for column in range(len(_PLAIN)))

    def label(place: int) -> IntArray:
        digit = small // place % 8
        return np.where(digit == _UNKNOWN_DIGIT, UNKNOWN, digit)

    known: dict[str, FloatArray] = {}
    start = len(_PLAIN)
    for kind, names in scores.items():
        columns, start = table[:, start : start + len(names)], start + len(names)
        if not np.isnan(columns).any():
            known[kind] = columns
    return PredictionArrays(
        ids=ids,
        example_ids=example_ids,
        gold=label(16),
        predicted=label(2),
        correct=small % 2 == 1,
        length=small // 128,
        probabilities=known.get("p"),
        logits=known.get("logit"),
        two_label=two_label,
    )
