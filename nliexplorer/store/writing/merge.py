"""Runs of another database brought into this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nliexplorer.errors import NliError
from nliexplorer.records import example_key, is_correct, pair_length
from nliexplorer.store.computed_columns import evaluation_keys, set_example_facts
from nliexplorer.store.connection import open_reader, sqlite_errors
from nliexplorer.store.rows import (
    ATTRIBUTION_COLUMNS,
    EXAMPLE_COLUMNS,
    METRIC_COLUMNS,
    PREDICTION_COLUMNS,
    STEP_COLUMNS,
    enriched,
)
from nliexplorer.store.writing.base import WriterBase
from nliexplorer.store.writing.runs import check_name
from nliexplorer.store.writing.split_names import base_name, split_name

#: Columns that have to agree for two rows of one id to be the same run.
_IDENTITY = ("objective", "data", "model", "seed", "created_at", "config")
_RUN = (
    "id, name, objective, status, data, model, seed, created_at, updated_at, train_seconds, "
    "total_steps, command, checkpoint, config, summary"
)
#: How often one pair may occur in one split; more is taken for damage.
_REPEATS = 10_000


@dataclass(slots=True)
class MergeReport:
    """What a merge did. `renamed`: name there -> name here."""

    added: list[str] = field(default_factory=list)  # run ids
    present: list[str] = field(default_factory=list)  # here before; what was missing was added
    renamed: dict[str, str] = field(default_factory=dict)
    splits_renamed: dict[str, str] = field(default_factory=dict)  # "run: split" -> split here
    examples: int = 0
    evaluations: int = 0
    notes_kept: int = 0  # notes that differ there; ours stay

    def as_dict(self) -> dict[str, Any]:
        return {
            "runs": self.added,
            **{name: getattr(self, name) for name in self.__dataclass_fields__ if name != "added"},
        }

    def lines(self) -> list[str]:
        """For people."""
        lines = [
            f"{len(self.added)} runs added, {len(self.present)} here before; "
            f"{self.evaluations} evaluations and {self.examples} new pairs came with them"
        ]
        lines += [f"{old!r} is named {new!r} here" for old, new in self.renamed.items()]
        lines += [
            f"{split} is another set of pairs here: kept apart as {name}"
            for split, name in self.splits_renamed.items()
        ]
        if self.notes_kept:
            lines.append(f"{self.notes_kept} notes differ there; the ones here were kept")
        return lines


class MergeWriter(WriterBase):
    """Merging."""

    def merge_from(self, other: str | Path) -> MergeReport:
        """Ids are kept, nothing is duplicated or overwritten; a damaged database is refused."""
        other = Path(other)
        if other.exists() and self.path.exists() and other.samefile(self.path):
            raise NliError(f"{other} is this database", "name another one")
        report = MergeReport()
        with self._lock, self._attached(other):
            runs = self._all("select * from other.runs order by created_at, id")
            self._refuse_strangers(runs)
            self._refuse_bad_examples()
            with self.transaction():  # one: a merge that is killed has changed nothing
                report.examples = self._merge_examples()
                for run in runs:
                    self._merge_run(run, report)
                self._merge_words(report)
        return report

    @contextmanager
    def _attached(self, other: Path) -> Iterator[None]:
        open_reader(other).close()  # refuses what is not ours, migrates what is older
        with sqlite_errors(other):
            uri = f"{other.absolute().as_uri()}?mode=ro"
            try:
                self._connection.execute("attach ? as other", (uri,))
                self._all("select count(*) from other.runs")
            except sqlite3.OperationalError:
                if self._all("select 1 from pragma_database_list where name = 'other'"):
                    self._connection.execute("detach other")
                self._connection.execute("attach ? as other", (f"{uri}&immutable=1",))
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                self._connection.execute("detach other")

    def _all(self, sql: str, *parameters: object) -> list[sqlite3.Row]:
        return self._connection.execute(sql, parameters).fetchall()

    def _refuse_strangers(self, runs: list[sqlite3.Row]) -> None:
        for run in runs:
            ours = self._all("select * from main.runs where id = ?", run["id"])
            if ours and any(ours[0][c] != run[c] for c in _IDENTITY):
                raise NliError(
                    f"run {run['id']} is another one there ({run['name']!r}) than here "
                    f"({ours[0]['name']!r}); nothing was merged",
                    "remove or export one of them first",
                )

    def _refuse_bad_examples(self) -> None:
        """A pair's id must be that of its text, or its predictions would belong to another pair."""
        for row in self._connection.execute(
            "select key, premise, hypothesis, gold, length from other.examples"
        ):
            texts = (row["premise"], row["hypothesis"])
            labelled = row["gold"] is None or isinstance(row["gold"], int)
            if labelled and all(isinstance(text, str) for text in texts):
                right = row["length"] == pair_length(*texts) and any(
                    example_key(*texts, row["gold"], n) == row["key"] for n in range(_REPEATS)
                )
                if right:
                    continue
            raise NliError(
                f"pair {row['key']!r} there is damaged: its id is not that of its text; "
                "nothing was merged",
                "see: nliexplorer doctor",
            )
        for row in self._connection.execute(
            "select p.gold, p.predicted, p.correct, p.length, x.gold as own, x.length as words "
            "from other.predictions p join other.examples x on x.id = p.example_id"
        ):
            right = None
            if row["gold"] is not None and row["predicted"] is not None:
                right = int(is_correct(row["predicted"], row["gold"]))
            stored = (row["gold"], row["length"], row["correct"])
            if stored != (row["own"], row["words"], right):
                raise NliError(
                    "predictions there contradict their pairs; nothing was merged",
                    "see: nliexplorer doctor",
                )

    def _merge_examples(self) -> int:
        columns = ", ".join(EXAMPLE_COLUMNS)
        used = " or ".join(
            f"exists (select 1 from other.{table} t where t.example_id = x.id)"
            for table in ("predictions", "attributions", "dynamics", "tags", "notes")
        )
        done = self._connection.execute(
            f"insert into main.examples ({columns}) select {columns} from other.examples x "
            f"where ({used}) on conflict (key) do nothing"
        )
        change, condition = enriched("x").split(" where ", 1)
        self._connection.execute(
            f"update main.examples as examples {change} from other.examples x "
            f"where x.key = examples.key and {condition}"
        )
        set_example_facts(self._connection)
        return done.rowcount

    def _merge_run(self, run: sqlite3.Row, report: MergeReport) -> None:
        if self._all("select 1 from main.runs where id = ?", run["id"]):
            report.present.append(run["id"])
        else:
            check_name(run["name"])
            name = self._name_here(run["name"])
            if name != run["name"]:
                report.renamed[run["name"]] = name
            names = _RUN.split(", ")
            values = [name if column == "name" else run[column] for column in names]
            if run["status"] == "running":  # nobody works on the copy
                values[names.index("status")] = "interrupted"
            marks = ", ".join("?" * len(names))
            self._connection.execute(f"insert into main.runs ({_RUN}) values ({marks})", values)
            report.added.append(run["id"])
        self._copy("steps", ("run_id", *STEP_COLUMNS), run["id"])
        self._copy("validations", ("run_id", "step", "epoch", *METRIC_COLUMNS), run["id"])
        self._copy_of_examples("attributions", ATTRIBUTION_COLUMNS, run["id"])
        dynamics = ("run_id", "example_id", "epoch", "gold_probability", "correct")
        self._copy_of_examples("dynamics", dynamics, run["id"])
        self._merge_evaluations(run, report)

    def _merge_evaluations(self, run: sqlite3.Row, report: MergeReport) -> None:
        """Those of other pairs than any here of that name; the same pairs stay as they are here."""
        here = {
            (base_name(row["split"]), row["fingerprint"])
            for row in self._all(
                "select split, fingerprint from main.evaluations where run_id = ? and complete",
                run["id"],
            )
        }
        theirs = self._all(
            "select * from other.evaluations where run_id = ? and complete order by id", run["id"]
        )
        identity = ("run_id", "split", "fingerprint", "classes", "complete", "created_at")
        columns = (*identity, *METRIC_COLUMNS)
        for evaluation in theirs:
            split = evaluation["split"]
            if (base_name(split), evaluation["fingerprint"]) in here:
                continue
            keys = evaluation_keys(self._connection, evaluation["id"], "other")
            name = split_name(
                self._connection, run["id"], base_name(split), keys, keep_all=True
            ).name
            if name != split:
                report.splits_renamed[f"{run['name']}: {split}"] = name
            report.evaluations += 1
            marks = ", ".join("?" * len(columns))
            new = self._connection.execute(
                f"insert into main.evaluations ({', '.join(columns)}) values ({marks})",
                [name if column == "split" else evaluation[column] for column in columns],
            ).lastrowid
            rest = ", ".join(f"p.{column}" for column in PREDICTION_COLUMNS[2:])
            self._connection.execute(
                f"insert into main.predictions ({', '.join(PREDICTION_COLUMNS)}) "
                f"select ?, m.id, {rest} from other.predictions p "
                "join other.examples x on x.id = p.example_id "
                "join main.examples m on m.key = x.key where p.evaluation_id = ?",
                (new, evaluation["id"]),
            )
            self._connection.execute(
                "insert into main.answers select p.id, a.answer, a.explanation "
                "from other.answers a join other.predictions o on o.id = a.prediction_id "
                "join main.predictions p on p.evaluation_id = ? and p.position = o.position "
                "where o.evaluation_id = ?",
                (new, evaluation["id"]),
            )

    def _copy(self, table: str, columns: tuple[str, ...], run_id: str) -> None:
        names = ", ".join(columns)
        self._connection.execute(
            f"insert or ignore into main.{table} ({names}) select {names} from other.{table} "
            "where run_id = ?",
            (run_id,),
        )

    def _copy_of_examples(self, table: str, columns: tuple[str, ...], run_id: str) -> None:
        picked = ", ".join("m.id" if c == "example_id" else f"t.{c}" for c in columns)
        self._connection.execute(
            f"insert or ignore into main.{table} ({', '.join(columns)}) select {picked} "
            f"from other.{table} t join other.examples x on x.id = t.example_id "
            "join main.examples m on m.key = x.key where t.run_id = ?",
            (run_id,),
        )

    def _merge_words(self, report: MergeReport) -> None:
        """Tags, notes and saved filters; where both have one, ours stays."""
        pair = "join other.examples x on x.id = t.example_id join main.examples m on m.key = x.key"
        report.notes_kept = self._all(
            f"select count(*) from other.notes t {pair} join main.notes n on n.example_id = m.id "
            "where n.text <> t.text"
        )[0][0]
        for sql in (
            f"main.tags select m.id, t.tag, t.created_at from other.tags t {pair}",
            f"main.notes select m.id, t.text, t.updated_at from other.notes t {pair}",
            "main.filters select name, query, created_at from other.filters",
        ):
            self._connection.execute(f"insert or ignore into {sql}")

    def _name_here(self, name: str) -> str:
        taken = {row[0] for row in self._all("select name from main.runs")}
        number = 2
        candidate = name
        while candidate in taken:
            candidate = f"{name}-{number}"
            number += 1
        return candidate
