"""Where another run predicted the pairs of an evaluation."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nliexplorer.records import EvaluationRef
from nliexplorer.store.reading.connection import ReadConnection


@dataclass(frozen=True, slots=True)
class Counterpart:
    """Another run's evaluation, and how many pairs it shares with the one asked about.

    `only_here` pairs are in the evaluation asked about alone, `only_there` in the counterpart
    alone. `others`: further evaluations of that run that share pairs, best first.
    """

    evaluation: EvaluationRef
    shared: int
    only_here: int
    only_there: int
    others: tuple[Counterpart, ...] = ()

    @property
    def ties(self) -> tuple[Counterpart, ...]:
        """Those of `others` that share as many pairs: the choice between them is by name."""
        return tuple(other for other in self.others if other.shared == self.shared)


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """One complete evaluation as stored; a newer one of the split is another row."""

    id: int
    evaluation: EvaluationRef
    created_at: str


#: (database, ids and times of two evaluations) -> (shared, only here, only there). An evaluation
#: is written once, so counts stay true; they serve every reader of the process, one a thread.
_counts: OrderedDict[tuple[object, ...], tuple[int, int, int]] = OrderedDict()
_KEPT = 4_096


def find_counterpart(
    connection: ReadConnection, here: EvaluationRow, candidates: Sequence[EvaluationRow]
) -> Counterpart | None:
    """The candidate that shares the most pairs with `here`; None where none shares any.

    Among equal overlaps an evaluation of the same name comes first, then the oldest.
    """
    counts = _count(connection, here, candidates)
    counterparts = [
        Counterpart(row.evaluation, *counts[row.id])
        for row in sorted(candidates, key=lambda row: row.id)
        if counts[row.id][0]
    ]
    counterparts.sort(key=lambda c: (-c.shared, c.evaluation.split != here.evaluation.split))
    return replace(counterparts[0], others=tuple(counterparts[1:])) if counterparts else None


def _count(
    connection: ReadConnection, here: EvaluationRow, candidates: Sequence[EvaluationRow]
) -> dict[int, tuple[int, int, int]]:
    """Id of each candidate: pairs shared with `here`, in `here` alone, in the candidate alone."""
    source = (connection.identity, here.id, here.created_at)
    keys = {row.id: (*source, row.id, row.created_at) for row in candidates}
    known = {number: _counts[key] for number, key in keys.items() if key in _counts}
    known |= _of_equal_sets(connection, here, [row for row in candidates if row.id not in known])
    missing = [number for number in keys if number not in known]
    if missing:
        sizes = connection.all(
            "select evaluation_id, count(*) from predictions where evaluation_id in "
            f"({_marks([here.id, *missing])}) group by evaluation_id",
            [here.id, *missing],
        )
        n = {row[0]: row[1] for row in sizes}
        shared = {
            row[0]: row[1]
            for row in connection.all(
                "select q.evaluation_id, count(*) from predictions p cross join predictions q "
                f"on q.example_id = p.example_id and q.evaluation_id in ({_marks(missing)}) "
                "where p.evaluation_id = ? group by q.evaluation_id",
                [*missing, here.id],
            )
        }
        for number in missing:
            both = shared.get(number, 0)
            known[number] = (both, n.get(here.id, 0) - both, n.get(number, 0) - both)
            _counts[keys[number]] = known[number]
        while len(_counts) > _KEPT:
            _counts.popitem(last=False)
    return known


def _of_equal_sets(
    connection: ReadConnection, here: EvaluationRow, candidates: Sequence[EvaluationRow]
) -> dict[int, tuple[int, int, int]]:
    """The counts of candidates whose fingerprint says that they hold the same pairs as `here`."""
    numbers = [here.id, *(row.id for row in candidates)]
    rows = connection.all(
        f"select id, fingerprint, n from evaluations where id in ({_marks(numbers)})", numbers
    )
    by_id = {row["id"]: (row["fingerprint"], row["n"]) for row in rows}
    fingerprint, n = by_id[here.id]
    if not fingerprint:
        return {}
    return {row.id: (n, 0, 0) for row in candidates if by_id[row.id] == (fingerprint, n)}


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
