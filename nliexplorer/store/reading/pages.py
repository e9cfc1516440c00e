"""Pages of pairs: keyset paging for lists, numbers of rows for jumps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.errors import NliError
from nliexplorer.records import ExampleRow
from nliexplorer.store.filters import FIELDS, Field, Filter, Scope, compile_filter, order_terms
from nliexplorer.store.filters.sql import search_query
from nliexplorer.store.reading.runs import RunsReader
from nliexplorer.store.rows import example_row_from

#: (value of the sort column, position) of the last row seen.
Cursor = tuple[float | int | None, int]

ROW = (
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


class PagesReader(RunsReader):
    """Pairs that pass a filter, in its order; `split` None means the run's default."""

    def scope(self, run_id: str, split: str | None, wanted: Filter) -> Scope:
        """Names in the filter looked up: other runs' evaluations of the same split.

        Raises NliError where a field speaks of something that the run never recorded.
        """
        evaluation_id = self.evaluation_id(run_id, split)
        others = {
            name: self._counterpart(evaluation_id, name)
            for name in {wanted.fixed_by, wanted.broken_by}
            if name is not None
        }
        if any(FIELDS[name].needs == "dynamics" for name in wanted.registered()):
            self._check_dynamics(run_id, evaluation_id)
        fitted = {
            name: self._fitted(FIELDS[name], evaluation_id)
            for name in wanted.registered()
            if FIELDS[name].fit
        }
        return Scope(evaluation_id, run_id, others, fitted)

    def _fitted(self, field: Field, evaluation_id: int) -> str:
        """JSON list of the evaluation's example ids that the field's model means."""
        rows = self._all(
            "select x.id, x.hypothesis, p.gold from predictions p join examples x "
            "on x.id = p.example_id where p.evaluation_id = ? and p.gold is not null "
            "order by p.position",
            (evaluation_id,),
        )
        assert field.fit is not None
        meant = field.fit([row[1] for row in rows], [row[2] for row in rows])
        return json.dumps([row[0] for row, yes in zip(rows, meant, strict=True) if yes])

    def _check_dynamics(self, run_id: str, evaluation_id: int) -> None:
        if self._one("select 1 from dynamics where run_id = ? limit 1", (run_id,)) is None:
            raise NliError(
                f"run {run_id} recorded nothing of its training pairs",
                "train with --record-dynamics, then: nliexplorer evaluate RUN --split train",
            )
        met = self._one(
            "select 1 from predictions p where p.evaluation_id = ? and exists (select 1 from "
            "dynamics d where d.run_id = ? and d.example_id = p.example_id) limit 1",
            (evaluation_id, run_id),
        )
        if met is None:
            raise NliError(
                f"no pair of this split was among those run {run_id} was trained on",
                f"nliexplorer evaluate {run_id} --split train, then choose --split train",
            )

    def _counterpart(self, evaluation_id: int, ref: str) -> int:
        """The other run's evaluation of the same split, or of the same pairs by another name."""
        other = self.run(ref)
        row = self._one(
            "select o.id from evaluations e join evaluations o on o.split = e.split "
            "where e.id = ? and o.run_id = ? and o.complete",
            (evaluation_id, other.id),
        )
        if row is None:
            row = self._one(
                "select o.id from evaluations o where o.run_id = ? and o.complete and exists "
                "(select 1 from predictions p join predictions q using (example_id) "
                "where p.evaluation_id = ? and q.evaluation_id = o.id) order by o.id limit 1",
                (other.id, evaluation_id),
            )
        if row is None:
            raise NliError(
                f"run {other.name!r} was not evaluated on these pairs",
                f"it has: {', '.join(other.metrics) or 'none'}",
            )
        found: int = row["id"]
        return found

    def count(self, run_id: str, split: str | None = None, wanted: Filter | None = None) -> int:
        """How many pairs pass; the filter's limit does not count."""
        wanted = wanted or Filter()
        where, parameters = compile_filter(wanted, self.scope(run_id, split, wanted))
        row = self._one(f"select count(*) from predictions p where {where}", parameters)
        assert row is not None
        return int(row[0])

    def ids(
        self, run_id: str, split: str | None = None, wanted: Filter | None = None
    ) -> npt.NDArray[np.int64]:
        """[n] row numbers of all passing predictions, in order: the spine of a virtual list."""
        wanted = wanted or Filter()
        where, parameters = compile_filter(wanted, self.scope(run_id, split, wanted))
        return self._ids(wanted, where, parameters, wanted.limit)

    def _ids(
        self, wanted: Filter, where: str, parameters: Sequence[object], limit: int | None
    ) -> npt.NDArray[np.int64]:
        column, down = order_terms(wanted)
        walk, sort = self._way(wanted, where, parameters, limit)
        direction = "desc" if down else "asc"
        keys = dict.fromkeys((column, "position"))
        order = ", ".join(f"{sort}p.{key} {direction}" for key in keys)
        # One string of numbers is three times as fast as a Python object a row.
        sql = (
            f"select group_concat(id) from (select p.id from predictions p {walk} "
            f"where {where} order by {order} limit ?)"
        )
        row = self._one(sql, (*parameters, -1 if limit is None else limit))
        if row is None or row[0] is None:
            return np.empty(0, dtype=np.int64)
        return np.fromstring(str(row[0]), dtype=np.int64, sep=",")

    def _way(
        self, wanted: Filter, where: str, parameters: Sequence[object], limit: int | None
    ) -> tuple[str, str]:
        """(INDEXED BY, prefix of the order): walk the order and filter, or filter and sort.

        SQLite's planner has no idea how many rows a filter lets through; a bounded count tells.
        """
        if wanted.is_empty:
            return "", ""
        column, _ = order_terms(wanted)
        if limit is None:
            plain = column == "position" and wanted.contains is None
            return "", "" if plain and wanted.tag is None and wanted.example is None else "+"
        if wanted.contains is not None:
            found = "select 1 from examples_fts where examples_fts match ?"
            values: Sequence[object] = (search_query(wanted),)
        else:
            found, values = f"select 1 from predictions p where {where}", parameters
        row = self._one(f"select count(*) from ({found} limit {_FEW})", values)
        if row is not None and row[0] < _FEW:
            return "", "+"
        return f"indexed by predictions_{column}", ""

    def rows_by_id(self, ids: Sequence[int] | npt.NDArray[np.int64]) -> list[ExampleRow]:
        """Rows in the order of `ids`; ids that are gone are left out."""
        numbers = [int(i) for i in ids]
        found: dict[int, ExampleRow] = {}
        for start in range(0, len(numbers), _CHUNK):
            chunk = numbers[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            for row in self._all(f"{ROW} where p.id in ({marks})", chunk):
                found[row["id"]] = example_row_from(row)
        return [found[i] for i in numbers if i in found]

    def page(
        self,
        run_id: str,
        split: str | None = None,
        wanted: Filter | None = None,
        *,
        after: Cursor | None = None,
        limit: int = 100,
    ) -> Page:
        """`limit` rows after the cursor; the filter's own limit is the caller's business."""
        wanted = wanted or Filter()
        where, parameters = compile_filter(wanted, self.scope(run_id, split, wanted))
        if after is not None:
            condition, values = _beyond(*order_terms(wanted), after)
            where, parameters = f"{where} and {condition}", [*parameters, *values]
        rows = self.rows_by_id(self._ids(wanted, where, parameters, limit))
        if len(rows) < limit or not rows:
            return Page(rows, None)
        last = rows[-1]
        return Page(rows, (getattr(last, order_terms(wanted)[0]), last.position))

    def examples(
        self, run_id: str, split: str | None = None, wanted: Filter | None = None
    ) -> list[ExampleRow]:
        """All passing rows, up to the filter's limit."""
        return self.rows_by_id(self.ids(run_id, split, wanted))


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
