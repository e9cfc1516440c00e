"""Predictions of one evaluation: pages for lists, row ids for jumps, arrays for the analysis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from nliexplorer.errors import NliError
from nliexplorer.records import EvaluationRef, ExampleRow, Window
from nliexplorer.store.filters import (
    EVERYTHING,
    Field,
    Filter,
    Query,
    Scope,
    SortKey,
    compile_filter,
    compile_value,
    key_of,
)
from nliexplorer.store.filters.nodes import terms_of
from nliexplorer.store.reading.arrays import PredictionArrays, aligned, read_arrays
from nliexplorer.store.reading.connection import ReadConnection
from nliexplorer.store.reading.pages import Cursor, Page, beyond
from nliexplorer.store.reading.runs import RunsReader
from nliexplorer.store.rows import example_row_from, window_from

_ROW = (
    "select x.key, x.premise, x.hypothesis, x.extra, x.annotator_labels, p.*, "
    "(select json_group_array(tag) from tags t where t.example_id = p.example_id) as tags, "
    "a.answer, a.explanation from predictions p join examples x on x.id = p.example_id "
    "left join answers a on a.prediction_id = p.id "
)
_CHUNK = 500
#: Up to this many rows are simply sorted; with more, a walk along the index soon finds some.
_FEW = 2_000


class PredictionsReader:
    """A run's predictions of one evaluation that pass a filter, in the filter's order."""

    def __init__(self, connection: ReadConnection, runs: RunsReader) -> None:
        self._connection = connection
        self._runs = runs

    def count(self, evaluation: EvaluationRef, filter: Filter = EVERYTHING) -> int:
        """How many pairs pass; the filter's limit does not count."""
        query = self._compiled(evaluation, filter)
        row = self._connection.one(
            f"select count(*) from predictions p where {query.where}", query.parameters
        )
        assert row is not None
        return int(row[0])

    def ids(self, evaluation: EvaluationRef, filter: Filter = EVERYTHING) -> npt.NDArray[np.int64]:
        """[n] row ids of all passing predictions, in order, for a virtual list."""
        return self._ids(self._compiled(evaluation, filter), filter.limit)

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

    def windows(
        self, evaluation: EvaluationRef, example_ids: Sequence[int] | npt.NDArray[np.int64]
    ) -> dict[int, Window]:
        """The windows that decided, by place in `example_ids`, of pairs read by windows."""
        rows = self._connection.all(
            "select example_id, window, windows from predictions "
            "where evaluation_id = ? and window is not null",
            (self._runs.evaluation_id(evaluation),),
        )
        by_id = {row["example_id"]: window_from(row) for row in rows}
        return {i: window for i, row in enumerate(example_ids) if (window := by_id.get(int(row)))}

    def further_columns(self, ids: Sequence[int] | npt.NDArray[np.int64]) -> dict[str, set[str]]:
        """Which of `answer`, `explanation`, `truncated`, `window`, `windows`, `annotator_labels`
        and `meta.NAME` the rows have.

        Column -> the JSON types that its values have; in the order in which they are met.
        """
        numbers = [int(i) for i in ids]
        columns: dict[str, set[str]] = {}
        for start in range(0, len(numbers), _CHUNK):
            chunk = numbers[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            texts = self._connection.one(
                "select coalesce(max(answer <> ''), 0), coalesce(max(explanation <> ''), 0) "
                f"from answers where prediction_id in ({marks})",
                chunk,
            )
            for name, there in zip(("answer", "explanation"), texts or (0, 0), strict=True):
                if there:
                    columns.setdefault(name, {"text"})
            rows = f"select 1 from predictions where id in ({marks})"
            if self._connection.exists(f"{rows} and truncated limit 1", chunk):
                columns.setdefault("truncated", {"true", "false"})
            if self._connection.exists(f"{rows} and window is not null limit 1", chunk):
                columns |= {"window": {"integer"}, "windows": {"integer"}}
            if self._connection.exists(
                "select 1 from predictions p join examples x on x.id = p.example_id "
                f"where p.id in ({marks}) and x.annotator_labels is not null limit 1",
                chunk,
            ):
                columns.setdefault("annotator_labels", {"array"})
            for name, kind in self._connection.all(
                "select j.key, j.type from predictions p join examples x on x.id = p.example_id, "
                f"json_each(x.extra) j where p.id in ({marks}) group by j.key, j.type "
                "order by min(j.id)",
                chunk,
            ):
                columns.setdefault(f"meta.{name}", set()).add(kind)
        return columns

    def page(
        self,
        evaluation: EvaluationRef,
        filter: Filter = EVERYTHING,
        *,
        after: Cursor | None = None,
        limit: int = 100,
    ) -> Page:
        """`limit` rows after the cursor; the caller applies the filter's own limit."""
        query = self._compiled(evaluation, filter)
        offset = 0
        if after is not None and query.walk:
            down = bool(filter.sort) and filter.sort[0].down
            condition, values = beyond(query.walk, down, after)
            query = replace(
                query,
                where=f"{query.where} and {condition}",
                parameters=[*query.parameters, *values],
                is_everything=False,
            )
        elif after is not None:
            offset = after.offset
        rows = self.rows_by_id(self._ids(query, limit, offset))
        if len(rows) < limit or not rows:
            return Page(rows, None)
        value = getattr(rows[-1], query.walk) if query.walk else None
        return Page(rows, Cursor(value, rows[-1].position, offset + limit))

    def row(self, evaluation: EvaluationRef, example_key: str) -> ExampleRow | None:
        """The run's prediction of one pair; None where the evaluation lacks it."""
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
        every_score: bool = True,
    ) -> PredictionArrays:
        """All passing predictions as columns, in the order of the split; see `read_arrays`."""
        query = self._compiled(evaluation, filter)
        return read_arrays(
            self._connection,
            query.where,
            query.parameters,
            scored_only=scored_only,
            two_label=self._runs.two_label(evaluation),
            every_score=every_score,
        )

    def field_values(self, evaluation: EvaluationRef, name: str) -> dict[int, float | str | None]:
        """A filter field's value for each prediction, by row id; None where it is unknown.

        Raises NliError for a field that is not there, or has no one value for each pair.
        """
        key = key_of(name)
        self._connection.regex_clock.restart()
        scope = self._scope(evaluation, Filter(sort=(SortKey(key.name),)))
        sql, parameters = compile_value(key, scope)
        rows = self._connection.all(
            f"select p.id, {sql} from predictions p where p.evaluation_id = ?",
            (*parameters, scope.evaluation_id),
        )
        return {row[0]: row[1] for row in rows}

    def paired(
        self, a: EvaluationRef, b: EvaluationRef, filter: Filter = EVERYTHING
    ) -> tuple[PredictionArrays, PredictionArrays, int, int]:
        """(a's, b's, only in a, only in b), rows aligned: the same pair at the same index.

        The filter is read from a's side; under one, b's further pairs are not counted. Find
        `b` with `runs.counterpart`. Raises NliError where no pair is in both.
        """
        left, right = self.arrays(a, filter), self.arrays(b)
        both = aligned(left, right)
        shared = len(both[0])
        if not shared:
            raise NliError("the two runs have no pair in common", "evaluate both on the same data")
        only_right = len(right) - shared if filter.is_empty else 0
        return *both, len(left) - shared, only_right

    def _compiled(self, evaluation: EvaluationRef, filter: Filter) -> Query:
        self._connection.regex_clock.restart()
        return compile_filter(filter, self._scope(evaluation, filter))

    def _scope(self, evaluation: EvaluationRef, filter: Filter) -> Scope:
        """Resolve the run names in the filter to evaluations of the same pairs.

        Raises NliError where a field needs something that the run never recorded.
        """
        evaluation_id = self._runs.evaluation_id(evaluation)
        terms = [(key_of(term.name), term.values) for term in terms_of(filter.where)]
        keys = {*(key for key, _ in terms), *(key_of(sort.name) for sort in filter.sort)}
        counterparts = {
            str(name): self._runs.counterpart_id(evaluation, str(name))
            for key, values in terms
            for name in values
            if key.field.kind == "run"
        }
        others: list[str] = []
        if filter.asks_other:
            others = [self._runs.get(name).id for name in self._others(filter)]
        if any(key.field.needs == "dynamics" for key in keys):
            self._check_dynamics(evaluation.run_id, evaluation_id)
        for column in {key.argument for key in keys if key.argument}:
            self._check_column(evaluation_id, column)
        fitted = {
            key.field.name: self._fitted(key.field, evaluation_id) for key in keys if key.field.fit
        }
        return Scope(
            evaluation_id,
            evaluation.run_id,
            counterparts,
            tuple(self._runs.counterpart_id(evaluation, run) for run in others),
            others[0] if others else "",
            fitted,
            self._few,
        )

    def _others(self, filter: Filter) -> tuple[str, ...]:
        if not filter.others:
            raise NliError(
                "the filter refers to another run, but none is named",
                "name it: b:RUN in the filter, or --other RUN",
                "filters",
            )
        return filter.others

    def _few(self, sql: str, parameters: Sequence[object]) -> bool:
        """Whether a query has few rows."""
        return self._up_to_few(sql, parameters) < _FEW

    def _up_to_few(self, sql: str, parameters: Sequence[object]) -> int:
        """How many rows a query has; no more than _FEW are counted."""
        row = self._connection.one(f"select count(*) from ({sql} limit {_FEW})", parameters)
        assert row is not None
        return int(row[0])

    def _check_column(self, evaluation_id: int, column: str) -> None:
        """Raises NliError for a column that no pair of the evaluation has."""
        known = self._columns(evaluation_id)
        if column not in known and not self._connection.exists(
            "select 1 from predictions p join examples x on x.id = p.example_id, "
            "json_each(x.extra) j where p.evaluation_id = ? and j.key = ? limit 1",
            (evaluation_id, column),
        ):
            raise NliError(
                f"no pair here has a column {column!r}",
                f"columns: {', '.join(known)}" if known else "this data has no further columns",
            )

    def columns(self, evaluation: EvaluationRef) -> list[str]:
        """Further columns of the first pairs' data, which `meta.COLUMN` filters by."""
        return self._columns(self._runs.evaluation_id(evaluation))

    def _columns(self, evaluation_id: int) -> list[str]:
        rows = self._connection.all(
            "select distinct j.key from (select x.extra from predictions p "
            "join examples x on x.id = p.example_id where p.evaluation_id = ? "
            f"order by p.position limit {_FEW}) e, json_each(e.extra) j order by j.key",
            (evaluation_id,),
        )
        return [row[0] for row in rows]

    def _fitted(self, field: Field, evaluation_id: int) -> str:
        """JSON list of the evaluation's example ids that the field's model means."""
        rows = self._connection.all(
            "select x.id, x.hypothesis, p.gold from predictions p join examples x "
            "on x.id = p.example_id where p.evaluation_id = ? and p.gold is not null "
            "order by p.position",
            (evaluation_id,),
        )
        mask = field.fitted([row[1] for row in rows], [row[2] for row in rows])
        return json.dumps([row[0] for row, yes in zip(rows, mask, strict=True) if yes])

    def _check_dynamics(self, run_id: str, evaluation_id: int) -> None:
        if (
            self._connection.one("select 1 from dynamics where run_id = ? limit 1", (run_id,))
            is None
        ):
            raise NliError(
                f"run {run_id} did not record its training pairs",
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

    def _ids(self, query: Query, limit: int | None, offset: int = 0) -> npt.NDArray[np.int64]:
        way = self._way(query, limit)
        if way is None:
            return np.empty(0, dtype=np.int64)
        walk, sort = way
        # One string of numbers is three times as fast as a Python object a row.
        row = self._connection.one(
            f"select group_concat(id) from (select p.id from predictions p {walk} "
            f"where {query.where} order by {query.order.replace('{+}', sort)} limit ? offset ?)",
            (
                *query.parameters,
                *query.order_parameters,
                -1 if limit is None else limit,
                offset,
            ),
        )
        if row is None or row[0] is None:
            return np.empty(0, dtype=np.int64)
        return np.fromstring(str(row[0]), dtype=np.int64, sep=",")

    def _way(self, query: Query, limit: int | None) -> tuple[str, str] | None:
        """(INDEXED BY, prefix of the order): walk the order and filter, or filter and sort; None
        where a count shows that nothing passes.

        SQLite's planner cannot know how many rows a filter lets through; a bounded count can.
        """
        if not query.walk or query.is_everything:
            return "", ""
        if limit is None:
            return "", "+" if query.selective or query.walk != "position" else ""
        count = _FEW
        if query.searched:
            matching = "select 1 from examples_fts where examples_fts match ?"
            count = self._up_to_few(matching, (query.searched,))
        elif query.selective:
            matching = f"select 1 from predictions p where {query.where}"
            count = self._up_to_few(matching, query.parameters)
        if count == 0:
            return None
        return ("", "+") if count < _FEW else (f"indexed by predictions_{query.walk}", "")
