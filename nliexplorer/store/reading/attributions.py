"""Token attributions of one pair, of many, and their statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nliexplorer.records import Attribution, EvaluationRef
from nliexplorer.store.reading.arrays import FloatArray, IntArray
from nliexplorer.store.reading.connection import ReadConnection
from nliexplorer.store.reading.runs import RunsReader
from nliexplorer.store.rows import SHAPE_COLUMNS, attribution_from


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


class AttributionsReader:
    """Token attributions. Of several of a pair, the newest of the gold class counts."""

    def __init__(self, connection: ReadConnection, runs: RunsReader) -> None:
        self._connection = connection
        self._runs = runs

    def get(
        self,
        run_id: str,
        example_key: str,
        *,
        method: str | None = None,
        target_kind: str | None = None,
    ) -> Attribution | None:
        """The newest attribution, of the gold class where there is a choice."""
        row = self._connection.one(
            "select a.* from attributions a join examples x on x.id = a.example_id "
            "where x.key = ? and a.run_id = ? and (? is null or a.method = ?) "
            "and (? is null or a.target_kind = ?) "
            "order by a.target_kind <> 'gold', a.id desc limit 1",
            (example_key, run_id, method, method, target_kind, target_kind),
        )
        return attribution_from(row) if row else None

    def of_pairs(self, run_id: str, example_keys: list[str]) -> dict[str, Attribution]:
        """As `get` with its defaults, for many pairs; those without one are left out."""
        by_key: dict[str, Attribution] = {}
        for start in range(0, len(example_keys), 500):
            keys = example_keys[start : start + 500]
            rows = self._connection.all(
                "select x.key, a.* from attributions a join examples x on x.id = a.example_id "
                f"where a.run_id = ? and x.key in ({','.join('?' * len(keys))}) "
                "order by a.target_kind = 'gold', a.id",
                [run_id, *keys],
            )
            by_key |= {row["key"]: attribution_from(row) for row in rows}
        return by_key

    def any(self, run_id: str) -> bool:
        """Whether the run has an attribution of any pair."""
        return self._connection.exists(
            "select 1 from attributions where run_id = ? limit 1", (run_id,)
        )

    def done(
        self,
        run_id: str,
        *,
        method: str,
        baseline: str,
        steps: int,
        target_kind: str,
        target: int | None = None,
    ) -> set[int]:
        """Row ids of the pairs that have such an attribution: work not to do again.

        Name the `target` where the kind is "label".
        """
        rows = self._connection.all(
            "select example_id from attributions where run_id = ? and method = ? "
            "and baseline = ? and steps = ? and target_kind = ? and (? is null or target = ?)",
            (run_id, method, baseline, steps, target_kind, target, target),
        )
        return {row[0] for row in rows}

    def done_classes(
        self, evaluation: EvaluationRef, *, method: str, baseline: str, steps: int
    ) -> dict[int, dict[int, str]]:
        """Row id of each pair with such an attribution: the classes explained, and as what kind.

        One of another window of the premise than the evaluation has does not count.
        """
        kinds: dict[int, dict[int, str]] = {}
        for row in self._connection.all(
            "select a.example_id, a.target, a.target_kind from attributions a "
            "join predictions p on p.example_id = a.example_id and p.evaluation_id = ? "
            "where a.run_id = ? and a.method = ? and a.baseline = ? and a.steps = ? "
            "and a.window is p.window",
            (
                self._runs.evaluation_id(evaluation),
                evaluation.run_id,
                method,
                baseline,
                steps,
            ),
        ):
            kinds.setdefault(row["example_id"], {})[row["target"]] = row["target_kind"]
        return kinds

    def shapes(self, run_id: str, example_ids: IntArray) -> dict[str, FloatArray]:
        """Each of SHAPE_COLUMNS [n], NaN where unknown; empty where the run has none at all."""
        columns = ", ".join(SHAPE_COLUMNS)
        rows = self._connection.all(
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

    def pairs(self, evaluation: EvaluationRef) -> Iterator[AttributedPair]:
        """Every scored pair of the evaluation that has an attribution, in order."""
        rows = self._connection.iterate(
            "select p.id as prediction, p.predicted, p.correct, x.premise, x.hypothesis, "
            "x.gold, a.* from predictions p join examples x on x.id = p.example_id "
            "join attributions a on a.example_id = p.example_id and a.run_id = ? "
            "where p.evaluation_id = ? and p.correct is not null "
            "order by p.position, a.target_kind = 'gold', a.id",
            (evaluation.run_id, self._runs.evaluation_id(evaluation)),
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
