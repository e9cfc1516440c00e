"""Runs and their evaluations."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from nliexplorer.errors import NliError
from nliexplorer.records import NON_ENTAILMENT, EvaluationRef, Metrics, Run
from nliexplorer.store.reading.connection import ReadConnection
from nliexplorer.store.reading.counterparts import Counterpart, EvaluationRow, find_counterpart
from nliexplorer.store.rows import metrics_from, run_from

_LISTED = 8  # names in an error


class RunsReader:
    """A run is named by its id, a unique prefix of it, its name, or `latest`."""

    def __init__(self, connection: ReadConnection) -> None:
        self._connection = connection

    def all(self) -> list[Run]:
        """All runs with their metrics, newest first."""
        metrics: dict[str, dict[str, Metrics]] = defaultdict(dict)
        for row in self._connection.all("select * from evaluations where complete order by id"):
            metrics[row["run_id"]][row["split"]] = metrics_from(row)
        rows = self._connection.all("select * from runs order by created_at desc, rowid desc")
        return [self._run(row, metrics[row["id"]]) for row in rows]

    def get(self, ref: str) -> Run:
        """The run that `ref` names; raises an NliError that lists the runs there are."""
        row = self._find(ref)
        evaluations = self._connection.all(
            "select * from evaluations where run_id = ? and complete order by id", (row["id"],)
        )
        return self._run(row, {e["split"]: metrics_from(e) for e in evaluations})

    def _run(self, row: sqlite3.Row, metrics: dict[str, Metrics]) -> Run:
        """The run, its checkpoint's path taken from the database's folder."""
        run = run_from(row, metrics)
        if not run.checkpoint:
            return run
        folder = self._connection.path.absolute().parent
        return replace(run, checkpoint=str(folder / run.checkpoint))

    def _find(self, ref: str) -> sqlite3.Row:
        newest = "select * from runs order by created_at desc, rowid desc limit 1"
        exact = self._connection.one("select * from runs where id = ? or name = ?", (ref, ref))
        if exact is None and ref == "latest":
            exact = self._connection.one(newest)
        if exact is not None:
            return exact
        # A hexadecimal prefix as a range: no wildcard in it can match more than it says.
        rows = (
            self._connection.all(
                "select * from runs where id >= ? and id < ?", (ref.lower(), ref.lower() + "g")
            )
            if ref and all(c in "0123456789abcdef" for c in ref.lower())
            else []
        )
        if len(rows) == 1:
            return rows[0]
        if rows:
            raise NliError(f"{ref!r} begins several run ids", _names(rows))
        known = self._connection.all("select * from runs order by created_at desc, rowid desc")
        if not known:
            raise NliError(
                f"there is no run {ref!r}: {self._connection.path} has none",
                "make one: nliexplorer demo, train or import",
                "start",
            )
        raise NliError(f"there is no run {ref!r} in {self._connection.path}", _names(known))

    def evaluations(self, run_id: str) -> list[EvaluationRef]:
        """The run's complete evaluations, in the order they were made."""
        return [row.evaluation for row in self._evaluation_rows(run_id)]

    def evaluation(self, ref: str, split: str | None = None) -> EvaluationRef:
        """The evaluation that a user means: a run and a split of it.

        `split` None: `dev` where there is one, else the first evaluated. Raises NliError where
        there is no such run or evaluation.
        """
        run_id: str = self._find(ref)["id"]
        splits = [evaluation.split for evaluation in self.evaluations(run_id)]
        if split is None:
            if not splits:
                raise NliError(
                    f"run {run_id} has no predictions yet",
                    f"evaluate it: nliexplorer evaluate {run_id} --data SRC",
                )
            split = "dev" if "dev" in splits else splits[0]
        if split not in splits:
            raise _not_evaluated(EvaluationRef(run_id, split), splits)
        return EvaluationRef(run_id, split)

    def evaluation_id(self, evaluation: EvaluationRef) -> int:
        """The row id of a complete evaluation; raises NliError where there is none."""
        return self._evaluation_row(evaluation).id

    def counterpart(self, evaluation: EvaluationRef, ref: str) -> Counterpart:
        """Where the run `ref` predicted the pairs of an evaluation: the largest overlap.

        Raises NliError where that run predicted none of them.
        """
        run_id: str = self._find(ref)["id"]
        here = self._evaluation_row(evaluation)
        counterpart = find_counterpart(self._connection, here, self._evaluation_rows(run_id))
        if counterpart is None:
            raise self._no_counterpart(evaluation, run_id)
        return counterpart

    def counterpart_id(self, evaluation: EvaluationRef, ref: str) -> int:
        """Row id of the counterpart's evaluation; nothing is counted where there is no choice."""
        run_id: str = self._find(ref)["id"]
        rows = self._evaluation_rows(run_id)
        if len(rows) != 1:
            return self.evaluation_id(self.counterpart(evaluation, run_id).evaluation)
        shares_a_pair = self._connection.exists(
            "select 1 from predictions p join predictions q using (example_id) "
            "where p.evaluation_id = ? and q.evaluation_id = ? limit 1",
            (self.evaluation_id(evaluation), rows[0].id),
        )
        if not shares_a_pair:
            raise self._no_counterpart(evaluation, run_id)
        return rows[0].id

    def two_label(self, evaluation: EvaluationRef) -> bool:
        """Whether the gold labels are entailment and non-entailment."""
        return self._connection.exists(
            "select 1 from predictions where evaluation_id = ? and gold = ? limit 1",
            (self.evaluation_id(evaluation), NON_ENTAILMENT),
        )

    def _evaluation_rows(self, run_id: str) -> list[EvaluationRow]:
        rows = self._connection.all(
            "select id, split, created_at from evaluations where run_id = ? and complete "
            "order by id",
            (run_id,),
        )
        return [
            EvaluationRow(row["id"], EvaluationRef(run_id, row["split"]), row["created_at"])
            for row in rows
        ]

    def _evaluation_row(self, evaluation: EvaluationRef) -> EvaluationRow:
        rows = self._evaluation_rows(evaluation.run_id)
        for row in rows:
            if row.evaluation == evaluation:
                return row
        raise _not_evaluated(evaluation, [row.evaluation.split for row in rows])

    def _no_counterpart(self, evaluation: EvaluationRef, run_id: str) -> NliError:
        run = self.get(run_id)
        return NliError(
            f"run {run.name!r} has no pair in common with {evaluation.split!r} of run "
            f"{evaluation.run_id}",
            f"it was evaluated on: {', '.join(run.metrics) or 'nothing yet'}",
        )


def _not_evaluated(evaluation: EvaluationRef, splits: Sequence[str]) -> NliError:
    return NliError(
        f"run {evaluation.run_id} was not evaluated on {evaluation.split!r}",
        f"it has: {', '.join(splits) or 'none'}",
    )


def _names(rows: Sequence[sqlite3.Row]) -> str:
    listed = ", ".join(f"{row['id']} ({row['name']})" for row in rows[:_LISTED])
    rest = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    return f"runs: {listed}{rest}"
