"""Runs: made, finished, renamed, removed; their steps and validations."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nliexplorer.errors import NliError
from nliexplorer.records import Metrics, Run, RunStatus, StepRecord
from nliexplorer.run_summary import RunSummary
from nliexplorer.store.connection import now
from nliexplorer.store.rows import METRIC_COLUMNS, STEP_COLUMNS, insert_sql, run_from, to_json
from nliexplorer.store.writing.base import BATCH, WriterBase

_RUN_COLUMNS = (
    "id",
    "name",
    "objective",
    "status",
    "data",
    "model",
    "seed",
    "created_at",
    "updated_at",
    "total_steps",
    "command",
    "config",
    "summary",
)
MAX_NAME = 200


class RunsWriter(WriterBase):
    """Runs and what belongs to them alone."""

    def create_run(
        self,
        *,
        name: str,
        objective: str,
        data: str,
        model: str,
        seed: int | None = None,
        config: Mapping[str, Any] | None = None,
        command: str = "",
        summary: RunSummary | None = None,
        total_steps: int | None = None,
        status: RunStatus = "running",
    ) -> Run:
        """A new run; an empty name becomes `OBJECTIVE-DATE-n`, a taken one raises NliError."""
        if name:
            check_name(name)
        with self.transaction() as connection:
            if not name:
                name = _free_name(connection, f"{objective}-{datetime.now(UTC):%Y%m%d}", first=0)
            self._refuse_taken(name)
            created = now()
            values = (
                self._new_id(),
                name,
                objective,
                status,
                data,
                model,
                seed,
                created,
                created,
                total_steps,
                command,
                to_json(dict(config or {})),
                to_json(dict(summary or {})),
            )
            connection.execute(insert_sql("runs", _RUN_COLUMNS), values)
            row = connection.execute("select * from runs where id = ?", values[:1]).fetchone()
        return run_from(row, {})

    def set_status(self, run_id: str, status: RunStatus) -> None:
        self._update(run_id, status=status)

    def set_total_steps(self, run_id: str, total_steps: int) -> None:
        """How many updates are planned, so that a live view can show how many are left."""
        self._update(run_id, total_steps=total_steps)

    def refuse_taken_names(self, names: Iterable[str]) -> None:
        """Before hours of work: every name that is not empty must be usable and free."""
        with self.transaction():
            for name in filter(None, names):
                check_name(name)
                self._refuse_taken(name)

    def touch(self, run_id: str) -> None:
        """Heartbeat: the run is still being worked on."""
        self._update(run_id)

    def finish_run(
        self,
        run_id: str,
        *,
        status: RunStatus,
        train_seconds: float | None = None,
        checkpoint: str | None = None,
        summary: RunSummary | None = None,
    ) -> None:
        """Record how a run ended; keys of `summary` are added to those there already."""
        with self.transaction() as connection:
            changes: dict[str, object] = {"status": status}
            if train_seconds is not None:
                changes["train_seconds"] = train_seconds
            if checkpoint is not None:
                changes["checkpoint"] = portable(checkpoint, self.path)
            if summary:
                changes["summary"] = to_json({**_summary(connection, run_id), **summary})
            self._update(run_id, **changes)

    def remember(self, run_id: str, **facts: Any) -> None:
        """Puts `facts` into a run's summary."""
        with self.transaction() as connection:
            self._update(run_id, summary=to_json({**_summary(connection, run_id), **facts}))

    def add_steps(self, run_id: str, steps: Sequence[StepRecord]) -> None:
        """Optimiser updates; a step that is there already (after a resume) is replaced."""
        sql = insert_sql("steps", ("run_id", *STEP_COLUMNS), "insert or replace")
        with self.transaction() as connection:
            connection.executemany(
                sql, [(run_id, *(getattr(s, c) for c in STEP_COLUMNS)) for s in steps]
            )
            self._touched(run_id)

    def add_validation(self, run_id: str, step: int, epoch: float, metrics: Metrics) -> None:
        """Metrics on the first dev split after `step` updates."""
        columns = ("run_id", "step", "epoch", *METRIC_COLUMNS)
        values = (run_id, step, epoch, *metrics.as_dict().values())
        with self.transaction() as connection:
            connection.execute(insert_sql("validations", columns, "insert or replace"), values)
            self._touched(run_id)

    def rename_run(self, run_id: str, name: str) -> None:
        check_name(name)
        with self.transaction() as connection:
            same = connection.execute("select name from runs where id = ?", (run_id,)).fetchone()
            if same is None or same[0] != name:
                self._refuse_taken(name)
            self._update(run_id, name=name)

    def delete_run(self, run_id: str) -> None:
        """Removes a run with all its rows, and the pairs that nothing else refers to. In steps, so
        that nobody waits: first its evaluations are hidden, then rows are deleted.
        """
        with self.transaction() as connection:
            self._update(run_id, status="failed")
            connection.execute("update evaluations set complete = 0 where run_id = ?", (run_id,))
        self._delete_predictions("select id from evaluations where run_id = ?", run_id)
        with self.transaction() as connection:
            connection.execute("delete from runs where id = ?", (run_id,))
        self.prune_examples()

    def prune_examples(self) -> int:
        """Removes pairs without prediction, attribution, tag or note; returns how many.

        Not while another run is being written: its pairs may not be predicted yet.
        """
        with self.transaction() as connection:
            busy = connection.execute(
                "select count(*) from runs where status = 'running' "
                "and julianday(updated_at) > julianday('now') - 1"
            ).fetchone()[0]
            if busy:
                return 0
            removed = connection.execute(
                "delete from examples where "
                + " and ".join(
                    f"not exists (select 1 from {table} t where t.example_id = examples.id)"
                    for table in ("predictions", "attributions", "dynamics", "tags", "notes")
                )
            )
            return removed.rowcount

    def _delete_predictions(self, evaluations: str, *parameters: object) -> None:
        """In batches; `evaluations` selects ids of evaluations that no longer count."""
        sql = (
            "delete from predictions where id in (select id from predictions "
            f"where evaluation_id in ({evaluations}) limit {5 * BATCH})"
        )
        removed = 1
        while removed:
            with self.transaction() as connection:
                removed = connection.execute(sql, parameters).rowcount

    def _update(self, run_id: str, **values: object) -> None:
        values["updated_at"] = now()
        assignments = ", ".join(f"{column} = ?" for column in values)
        with self.transaction() as connection:
            changed = connection.execute(
                f"update runs set {assignments} where id = ?", (*values.values(), run_id)
            )
            if not changed.rowcount:
                raise NliError(f"there is no run {run_id}", "see: nliexplorer runs list")

    def _refuse_taken(self, name: str) -> None:
        taken = self._connection.execute("select 1 from runs where name = ?", (name,)).fetchone()
        if taken:
            free = _free_name(self._connection, name, first=2)
            raise NliError(f"a run named {name!r} exists already", f"this name is free: {free}")

    def _new_id(self) -> str:
        while True:
            run_id = secrets.token_hex(4)
            taken = "select 1 from runs where id = ? or name = ?"
            if not self._connection.execute(taken, (run_id, run_id)).fetchone():
                return run_id


def check_name(name: str) -> None:
    """Refuses names that a command line or a table could not show or call."""
    if not name.strip() or not name.isprintable() or len(name) > MAX_NAME:
        hint = f"use 1 to {MAX_NAME} printable characters"
        raise NliError(f"{name[:40]!r} cannot be a run's name", hint)
    if name == "latest" or name.startswith("-"):
        raise NliError(f"{name!r} cannot be a run's name", "it means something else to commands")


def _summary(connection: sqlite3.Connection, run_id: str) -> dict[str, Any]:
    row = connection.execute("select summary from runs where id = ?", (run_id,)).fetchone()
    summary: dict[str, Any] = json.loads(row[0]) if row else {}
    return summary


def portable(checkpoint: str, database: Path) -> str:
    """Relative to the database's folder where it lies inside, so that both can move together."""
    folder, path = database.absolute().parent, Path(checkpoint).absolute()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _free_name(connection: sqlite3.Connection, stem: str, first: int) -> str:
    names = {row[0] for row in connection.execute("select name from runs")}
    number = first
    while f"{stem}-{number}" in names:
        number += 1
    return f"{stem}-{number}"
