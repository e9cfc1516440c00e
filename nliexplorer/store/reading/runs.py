"""Runs, their splits, steps and validations."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import replace

from nliexplorer.errors import NliError
from nliexplorer.records import NON_ENTAILMENT, Metrics, Run, StepRecord
from nliexplorer.store.reading.base import ReaderBase
from nliexplorer.store.rows import metrics_from, run_from, step_from

_LISTED = 8  # names in an error


class RunsReader(ReaderBase):
    """A run is named by its id, a unique prefix of it, its name, or `latest`."""

    def runs(self) -> list[Run]:
        """All runs with their metrics, newest first."""
        metrics: dict[str, dict[str, Metrics]] = defaultdict(dict)
        for row in self._all("select * from evaluations where complete order by id"):
            metrics[row["run_id"]][row["split"]] = metrics_from(row)
        rows = self._all("select * from runs order by created_at desc, rowid desc")
        return [self._run(row, metrics[row["id"]]) for row in rows]

    def run(self, ref: str) -> Run:
        """The run that `ref` names; raises NliError that lists what there is."""
        row = self._find(ref)
        evaluations = self._all(
            "select * from evaluations where run_id = ? and complete order by id", (row["id"],)
        )
        return self._run(row, {e["split"]: metrics_from(e) for e in evaluations})

    def _run(self, row: sqlite3.Row, metrics: dict[str, Metrics]) -> Run:
        """The run, its checkpoint's path taken from the database's folder."""
        run = run_from(row, metrics)
        if not run.checkpoint:
            return run
        return replace(run, checkpoint=str(self.path.absolute().parent / run.checkpoint))

    def _find(self, ref: str) -> sqlite3.Row:
        newest = "select * from runs order by created_at desc, rowid desc limit 1"
        exact = self._one("select * from runs where id = ? or name = ?", (ref, ref))
        if exact is None and ref == "latest":
            exact = self._one(newest)
        if exact is not None:
            return exact
        # A hexadecimal prefix as a range: no wildcard in it can match more than it says.
        rows = (
            self._all(
                "select * from runs where id >= ? and id < ?", (ref.lower(), ref.lower() + "g")
            )
            if ref and all(c in "0123456789abcdef" for c in ref.lower())
            else []
        )
        if len(rows) == 1:
            return rows[0]
        if rows:
            raise NliError(f"{ref!r} begins several run ids", _names(rows))
        known = self._all("select * from runs order by created_at desc, rowid desc")
        if not known:
            raise NliError(
                f"there is no run {ref!r}: {self.path} has none",
                "make one: nliexplorer demo, train or import",
            )
        raise NliError(f"there is no run {ref!r} in {self.path}", _names(known))

    def splits(self, run_id: str) -> list[str]:
        """Splits with a complete evaluation, in the order they were made."""
        rows = self._all(
            "select split from evaluations where run_id = ? and complete order by id", (run_id,)
        )
        return [row["split"] for row in rows]

    def default_split(self, run_id: str) -> str:
        """`dev` where there is one, else the first evaluated."""
        splits = self.splits(run_id)
        if not splits:
            raise NliError(
                f"run {run_id} has no predictions yet",
                f"evaluate it: nliexplorer evaluate {run_id} --data SRC",
            )
        return "dev" if "dev" in splits else splits[0]

    def evaluation_id(self, run_id: str, split: str | None = None) -> int:
        """The complete evaluation of a run on a split (None: its default split)."""
        split = split or self.default_split(run_id)
        row = self._one(
            "select id from evaluations where run_id = ? and split = ? and complete",
            (run_id, split),
        )
        if row is None:
            known = ", ".join(self.splits(run_id)) or "none"
            raise NliError(f"run {run_id} was not evaluated on {split!r}", f"it has: {known}")
        found: int = row["id"]
        return found

    def two_label(self, run_id: str, split: str) -> bool:
        """Whether the split's gold labels are entailment and non-entailment."""
        sql = "select exists (select 1 from predictions where evaluation_id = ? and gold = ?)"
        row = self._one(sql, (self.evaluation_id(run_id, split), NON_ENTAILMENT))
        return bool(row and row[0])

    def steps(self, run_id: str, after: int = 0) -> list[StepRecord]:
        """Updates with a number above `after`, in order."""
        rows = self._all(
            "select * from steps where run_id = ? and step > ? order by step", (run_id, after)
        )
        return [step_from(row) for row in rows]

    def validations(self, run_id: str) -> list[tuple[int, float, Metrics]]:
        """(step, epoch, metrics) while training."""
        rows = self._all("select * from validations where run_id = ? order by step", (run_id,))
        return [(row["step"], row["epoch"], metrics_from(row)) for row in rows]

    def progress(self, run_id: str) -> tuple[int, int | None, str]:
        """(last step, planned steps, time of the last sign of life) of a run in training."""
        row = self._one(
            "select total_steps, updated_at, "
            "(select max(step) from steps where run_id = runs.id) as step from runs where id = ?",
            (run_id,),
        )
        if row is None:
            raise NliError(f"there is no run {run_id}", "see: nliexplorer runs list")
        return row["step"] or 0, row["total_steps"], row["updated_at"]


def _names(rows: list[sqlite3.Row]) -> str:
    listed = ", ".join(f"{row['id']} ({row['name']})" for row in rows[:_LISTED])
    rest = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    return f"runs: {listed}{rest}"
