"""Predictions of one evaluation: pages for lists, row ids for jumps, arrays for the analysis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.errors import NliError
from nliexplorer.records import EvaluationRef, ExampleRow
from nliexplorer.store.filters import (
    EVERYTHING,
    FIELDS,
    Field,
    Filter,
    Scope,
    compile_filter,
    order_terms,
)
from nliexplorer.store.filters.sql import search_query
from nliexplorer.store.reading.arrays import PredictionArrays, aligned, read_arrays
from nliexplorer.store.reading.connection import ReadConnection
from nliexplorer.store.reading.runs import RunsReader
from nliexplorer.store.rows import example_row_from

#: (value of the sort column, position) of the last row seen.
Cursor = tuple[float | int | None, int]

_ROW = (
    "select x.key, x.premise, x.hypothesis, p.*, "
    "(select json_group_array(tag) from tags t where t.example_id = p.example_id) as tags, "
    "a.answer, a.explanation from predictions p join examples x on x.id = p.example_id "
    "left join answers a on a.prediction_id = p.id "
)
_CHUNK = 500
#: So many rows are sorted in no time; a filter that lets more through is met soon on a walk.
_FEW = 2_000


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where the next ones begin; None after the last."""

    rows: list[ExampleRow]
    next: Cursor | None


class PredictionsReader:
    """What a run said of the pairs of one evaluation, those that pass a filter, in its order."""

    def __init__(self, connection: ReadConnection, runs: RunsReader) -> None:
        self._connection = connection
        self._runs = runs

    def count(self, evaluation: EvaluationRef, filter: Filter = EVERYTHING) -> int:
        """How many pairs pass; the filter's limit does not count."""
        where, parameters = self._compiled(evaluation, filter)
        row = self._connection.one(f"select count(*) from predictions p where {where}", parameters)
        assert row is not None
        return int(row[0])

    def ids(self, evaluation: EvaluationRef, filter: Filter = EVERYTHING) -> npt.NDArray[np.int64]:
        """[n] row ids of all passing predictions, in order: the spine of a virtual list."""
        return self._ids(filter, *self._compiled(evaluation, filter), filter.limit)

    def rows(self, evaluation: EvaluationRef, filter: Filter = EVERYTHING) -> list[ExampleRow]:
        """All passing rows, up to the filter's limit."""
        return self.rows_by_id(self.ids(evaluation, filter))

    def rows_by_id(self, ids: Sequence[int] | npt.NDArray[np.int64]) -> list[ExampleRow]:
        """Rows in the order of `ids`; ids that are gone are left out."""
        numbers = [int(i) for i in ids]
        by_id: dict[int, ExampleRow] = {}
        for start in range(0, len(numbers), _CHUNK):
            chunk = numbers[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            for row in self._connection.all(f"{_ROW} where p.id in ({marks})", chunk):
                by_id[row["id"]] = example_row_from(row)
        return [by_id[i] for i in numbers if i in by_id]

    def page(
        self,
        evaluation: EvaluationRef,
        filter: Filter = EVERYTHING,
        *,
        after: Cursor | None = None,
        limit: int = 100,
    ) -> Page:
        """`limit` rows after the cursor; the filter's own limit is the caller's business."""
        where, parameters = self._compiled(evaluation, filter)
        if after is not None:
            condition, values = _beyond(*order_terms(filter), after)
            where, parameters = f"{where} and {condition}", [*parameters, *values]
        rows = self.rows_by_id(self._ids(filter, where, parameters, limit))
        if len(rows) < limit or not rows:
            return Page(rows, None)
        last = rows[-1]
        return Page(rows, (getattr(last, order_terms(filter)[0]), last.position))

    def row(self, evaluation: EvaluationRef, example_key: str) -> ExampleRow | None:
        """What the run said of one pair; None where the evaluation lacks it."""
        row = self._connection.one(
            f"{_ROW} where p.evaluation_id = ? and x.key = ?",
            (self._runs.evaluation_id(evaluation), example_key),
        )
        return example_row_from(row) if row else None

    def id_of(self, evaluation: EvaluationRef, example_key: str) -> int | None:
        """The row id of one pair's prediction, as `ids` lists them."""
        row = self._connection.one(
            "select p.id from predictions p join examples x on x.id = p.example_id "
            "where p.evaluation_id = ? and x.key = ?",
            (self._runs.evaluation_id(evaluation), example_key),
        )
        return int(row[0]) if row else None

    def arrays(
        self,
        evaluation: EvaluationRef,
        filter: Filter = EVERYTHING,
        *,
        scored_only: bool = True,
    ) -> PredictionArrays:
        """All passing predictions as columns, in the order of the split.

        Those without a gold label or an answer only where `scored_only` is False.
        """
        return read_arrays(
            self._connection,
            *self._compiled(evaluation, filter),
            scored_only=scored_only,
            two_label=self._runs.two_label(evaluation),
        )

    def paired(
        self, a: EvaluationRef, b: EvaluationRef, filter: Filter = EVERYTHING
    ) -> tuple[PredictionArrays, PredictionArrays, int, int]:
        """(a's, b's, only in a, only in b), rows aligned: the same pair at the same index.

        The filter is read from a's side; under one, b's further pairs are not counted. `b` is the
        business of `runs.counterpart`. Raises NliError where no pair is in both.
        """
        left, right = self.arrays(a, filter), self.arrays(b)
        both = aligned(left, right)
        shared = len(both[0])
        if not shared:
            raise NliError("the two runs have no pair in common", "evaluate both on the same data")
        only_right = len(right) - shared if filter.is_empty else 0
        return *both, len(left) - shared, only_right

    def _compiled(self, evaluation: EvaluationRef, filter: Filter) -> tuple[str, list[object]]:
        return compile_filter(filter, self._scope(evaluation, filter))

    def _scope(self, evaluation: EvaluationRef, filter: Filter) -> Scope:
        """Names in the filter looked up: where other runs predicted the same pairs.

        Raises NliError where a field speaks of something that the run never recorded.
        """
        evaluation_id = self._runs.evaluation_id(evaluation)
        others = {
            name: self._runs.counterpart_id(evaluation, name)
            for name in {filter.fixed_by, filter.broken_by}
            if name is not None
        }
        if any(FIELDS[name].needs == "dynamics" for name in filter.registered()):
            self._check_dynamics(evaluation.run_id, evaluation_id)
        fitted = {
            name: self._fitted(FIELDS[name], evaluation_id)
            for name in filter.registered()
            if FIELDS[name].fit
        }
        return Scope(evaluation_id, evaluation.run_id, others, fitted)

    def _fitted(self, field: Field, evaluation_id: int) -> str:
        """JSON list of the evaluation's example ids that the field's model means."""
        rows = self._connection.all(
            "select x.id, x.hypothesis, p.gold from predictions p join examples x "
            "on x.id = p.example_id where p.evaluation_id = ? and p.gold is not null "
            "order by p.position",
            (evaluation_id,),
        )
        assert field.fit is not None
        meant = field.fit([row[1] for row in rows], [row[2] for row in rows])
        return json.dumps([row[0] for row, yes in zip(rows, meant, strict=True) if yes])

    def _check_dynamics(self, run_id: str, evaluation_id: int) -> None:
        if (
            self._connection.one("select 1 from dynamics where run_id = ? limit 1", (run_id,))
            is None
        ):
            raise NliError(
                f"run {run_id} recorded nothing of its training pairs",
                "train with --record-dynamics, then: nliexplorer evaluate RUN --split train",
            )
        met = self._connection.one(
            "select 1 from predictions p where p.evaluation_id = ? and exists (select 1 from "
            "dynamics d where d.run_id = ? and d.example_id = p.example_id) limit 1",
            (evaluation_id, run_id),
        )
        if met is None:
            raise NliError(
                f"no pair of this split was among those run {run_id} was trained on",
                f"nliexplorer evaluate {run_id} --split train, then choose --split train",
            )

    def _ids(
        self, filter: Filter, where: str, parameters: Sequence[object], limit: int | None
    ) -> npt.NDArray[np.int64]:
        column, down = order_terms(filter)
        walk, sort = self._way(filter, where, parameters, limit)
        direction = "desc" if down else "asc"
        keys = dict.fromkeys((column, "position"))
        order = ", ".join(f"{sort}p.{key} {direction}" for key in keys)
        # One string of numbers is three times as fast as a Python object a row.
        sql = (
            f"select group_concat(id) from (select p.id from predictions p {walk} "
            f"where {where} order by {order} limit ?)"
        )
        row = self._connection.one(sql, (*parameters, -1 if limit is None else limit))
        if row is None or row[0] is None:
            return np.empty(0, dtype=np.int64)
        return np.fromstring(str(row[0]), dtype=np.int64, sep=",")

    def _way(
        self, filter: Filter, where: str, parameters: Sequence[object], limit: int | None
    ) -> tuple[str, str]:
        """(INDEXED BY, prefix of the order): walk the order and filter, or filter and sort.

        SQLite's planner has no idea how many rows a filter lets through; a bounded count tells.
        """
        if filter.is_empty:
            return "", ""
        column, _ = order_terms(filter)
        if limit is None:
            plain = column == "position" and filter.contains is None
            return "", "" if plain and filter.tag is None and filter.example is None else "+"
        if filter.contains is not None:
            found = "select 1 from examples_fts where examples_fts match ?"
            values: Sequence[object] = (search_query(filter),)
        else:
            found, values = f"select 1 from predictions p where {where}", parameters
        row = self._connection.one(f"select count(*) from ({found} limit {_FEW})", values)
        if row is not None and row[0] < _FEW:
            return "", "+"
        return f"indexed by predictions_{column}", ""


def _beyond(column: str, down: bool, after: Cursor) -> tuple[str, list[object]]:
    """The condition "comes after the cursor"; NULL confidences sort as smallest, as in SQLite."""
    value, position = after
    sign = "<" if down else ">"
    if column == "position":
        return f"p.position {sign} ?", [position]
    if value is None:
        same = f"p.{column} is null and p.position {sign} ?"
        return (same if down else f"(({same}) or p.{column} is not null)"), [position]
    beyond = f"(p.{column}, p.position) {sign} (?, ?)"
    if down:
        beyond = f"({beyond} or p.{column} is null)" if column == "confidence" else beyond
    return beyond, [value, position]
