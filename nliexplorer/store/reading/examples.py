"""The pairs themselves, whoever predicted them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nliexplorer.annotators import SHARES
from nliexplorer.errors import NliError
from nliexplorer.records import Example
from nliexplorer.store.filters.fields import read_example_id
from nliexplorer.store.functions import distribution_from
from nliexplorer.store.reading.arrays import IntArray
from nliexplorer.store.reading.connection import ReadConnection
from nliexplorer.store.rows import example_from

_CHUNK = 5_000  # ids a query


@dataclass(frozen=True, slots=True)
class StoredExample:
    """A pair with its row id and content address."""

    id: int
    key: str
    example: Example


class ExamplesReader:
    """Pairs by id; `example_ids` are row ids, as PredictionArrays has them."""

    def __init__(self, connection: ReadConnection) -> None:
        self._connection = connection

    def get(self, ref: str) -> StoredExample:
        """The pair whose id begins with `ref`; none or several raise NliError."""
        prefix = read_example_id(ref)
        rows = self._connection.all(
            "select * from examples where key >= ? and key < ? order by key limit 6",
            (prefix, prefix + "g"),
        )
        if not rows:
            raise NliError(f"there is no pair {ref}", "ids are shown by: nliexplorer examples RUN")
        if len(rows) > 1:
            listed = ", ".join(row["key"] for row in rows[:5])
            raise NliError(f"{ref!r} begins several pairs' ids", f"among them: {listed}")
        return StoredExample(rows[0]["id"], rows[0]["key"], example_from(rows[0]))

    def exists(self, key: str) -> bool:
        """Whether a pair of exactly this id is stored."""
        return self._connection.exists("select 1 from examples where key = ?", (key,))

    def texts(self, example_ids: Sequence[int] | IntArray) -> tuple[list[str], list[str]]:
        """(premises, hypotheses) in the order of the row ids."""
        rows = self._rows(example_ids, "id, premise, hypothesis")
        return [row["premise"] for row in rows], [row["hypothesis"] for row in rows]

    def keys(self, example_ids: Sequence[int] | IntArray) -> list[str]:
        """Content addresses in the order of the row ids."""
        return [row["key"] for row in self._rows(example_ids, "id, key")]

    def by_id(self, example_ids: Sequence[int] | IntArray) -> list[Example]:
        """Whole pairs in the order of the row ids."""
        return [example_from(row) for row in self._rows(example_ids, "*")]

    def label_distributions(
        self, example_ids: Sequence[int] | IntArray
    ) -> dict[int, tuple[float, ...]]:
        """The annotators' shares of each label, by place in `example_ids`, where there are any."""
        numbers = [int(i) for i in example_ids]
        distributions: dict[int, tuple[float, ...]] = {}
        for start in range(0, len(numbers), _CHUNK):
            chunk = numbers[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            rows = self._connection.all(
                f"select id, annotator_labels, extra from examples where id in ({marks}) "
                "and (annotator_labels is not null or instr(extra, ?))",
                [*chunk, SHARES],
            )
            known = {row[0]: distribution_from(row[1], row[2]) for row in rows}
            for place, number in enumerate(chunk, start):
                if shares := known.get(number):
                    distributions[place] = shares
        return distributions

    def with_hypotheses(self, hypotheses: Collection[str]) -> Iterator[Example]:
        """Pairs whose hypothesis is one of these, in the order they were stored; one table scan."""
        rows = self._connection.all("select id, hypothesis from examples order by id")
        ids = [row["id"] for row in rows if row["hypothesis"] in hypotheses]
        for start in range(0, len(ids), _CHUNK):
            yield from self.by_id(ids[start : start + _CHUNK])

    def _rows(self, example_ids: Sequence[int] | IntArray, columns: str) -> list[Any]:
        numbers = [int(i) for i in example_ids]
        by_id: dict[int, Any] = {}
        for start in range(0, len(numbers), _CHUNK):
            chunk = numbers[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            sql = f"select {columns} from examples where id in ({marks})"
            by_id |= {row["id"]: row for row in self._connection.all(sql, chunk)}
        return [by_id[number] for number in numbers]
