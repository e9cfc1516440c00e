"""The command line's whole way from pairs to tags, in a process that may be ended at any moment.

Children are forked from a server that has imported everything and computed nothing: a kill costs
the work it interrupts, not the start of the interpreter.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from nliexplorer.records import LABELS
from nliexplorer.store.check import check_database
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.databases import two_runs

SERVER = mp.get_context("forkserver")
_IMPORTED = (
    "accelerate",
    "captum.attr",
    "sklearn.metrics",
    "sqlite_utils",
    "nliexplorer.cli.train",
    "nliexplorer.store.migrations",
    "nliexplorer.training.run",
    "nliexplorer.workflow.attribute",
    "nliexplorer.workflow.train",
    "tests.faults.pipeline",
    "tests.tinymodels",
)
TAG = "seen"
NAME = "mine"

Command = tuple[str, ...]
TRAIN: Command = (
    *("train", "--name", NAME, "--objective", "ig-variance", "--preset", "quick"),
    *("--data", "data", "--model", "model", "--epochs", "3", "--batch-size", "12"),
    *("--alpha", "auto", "--ig-steps", "2", "--set", "attribution_steps=2"),
    *("--set", "eval_splits=['dev']", "--device", "cpu"),
)
PIPELINE: tuple[Command, ...] = (
    TRAIN,
    ("evaluate", NAME, "--split", "train", "--device", "cpu"),
    ("attribute", NAME, "--split", "train", "--all", "--steps", "2", "--device", "cpu"),
    ("runs", "merge", "other.db"),
    ("tag",),
)


def prepare(folder: Path) -> None:
    """A small model, its pairs and another database in `folder`."""
    from nliexplorer.modeling.load import save_classifier
    from tests.tinymodels import EXAMPLES, tiny_classifier

    SERVER.set_forkserver_preload(list(_IMPORTED))
    save_classifier(tiny_classifier(dropout=0.1), folder / "model")
    (folder / "data").mkdir()
    for split, copies in (("train", 8), ("dev", 4)):
        rows = [
            {"premise": f"{e.premise} {n}", "hypothesis": e.hypothesis, "label": LABELS[e.label]}
            for n in range(copies)
            for e in EXAMPLES
        ]
        text = "\n".join(map(json.dumps, rows))
        (folder / "data" / f"{split}.jsonl").write_text(text)
    two_runs(folder / "other.db", 30)


def _work(folder: str, commands: list[Command], room: int) -> None:
    """In the child: the commands one after the other; the first that fails ends it.

    No file may grow past `room` bytes: what that gives is what a full disk gives.
    """
    os.chdir(folder)
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if room:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    code = 0
    try:
        for command in commands:
            with Path("at").open("a") as at:
                at.write(f"{command[0]} {time.monotonic()}\n")
            code = _tag() if command == ("tag",) else _call(command)
            if code:
                break
    except KeyboardInterrupt:  # between two commands, where nobody waits for it
        code = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left belongs to no command
    sys.exit(code)


def _call(command: Command) -> int:
    from nliexplorer.cli import main

    sys.argv = ["nliexplorer", *command]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _tag() -> int:
    """What the explorer does at `t`: there is no command that tags."""
    with StoreReader("runs.db") as reader:
        keys = [
            row.example_id for row in reader.predictions.rows(reader.runs.evaluation(NAME, "dev"))
        ]
    with StoreWriter("runs.db") as writer:
        for key in keys:
            writer.tag(key, TAG)
    return 0


@dataclass
class Attempt:
    """How one process ended: `code` as multiprocessing gives it, the seconds of each command."""

    code: int
    seconds: dict[str, float]
    output: str

    @property
    def at(self) -> str:
        return list(self.seconds)[-1] if self.seconds else "start"


def attempt(
    folder: Path,
    commands: list[Command],
    *,
    when: tuple[str, float] | None = None,
    until: Callable[[], bool] | None = None,
    by: int = signal.SIGKILL,
    room: int = 0,
    context: BaseContext = SERVER,
) -> Attempt:
    """Run `commands` in `folder`; `when` (a command, so many seconds into it) comes signal `by`,
    or once `until` holds. A process that uses a GPU must not be forked: its `context` is spawn's.
    """
    at, log = folder / "at", folder / "log"
    at.write_text("")
    process = context.Process(target=_work, args=(str(folder), commands, room))
    process.start()
    if when:
        while process.is_alive() and when[0] not in at.read_text():
            time.sleep(0.002)
        process.join(when[1])
    while until and process.is_alive() and not until():
        time.sleep(0.002)
    if (when or until) and process.is_alive():
        assert process.pid is not None
        os.kill(process.pid, by)
    process.join(300)
    assert process.exitcode is not None, "it does not end"
    lines = [line.split() for line in at.read_text().splitlines()]
    starts = [float(start) for _, start in lines] + [time.monotonic()]
    seconds = {
        name: later - start
        for (name, _), start, later in zip(lines, starts, starts[1:], strict=False)
    }
    output = log.read_text(errors="replace") if log.exists() else ""
    return Attempt(process.exitcode, seconds, output)


def left_to_do(folder: Path) -> list[Command]:
    """The commands that a user would give next, seeing what the database holds."""
    db = folder / "runs.db"
    if not db.exists() or not db.stat().st_size:
        return list(PIPELINE)
    with StoreReader(db) as reader:
        runs = {run.name: run for run in reader.runs.all()}
        run = runs.get(NAME)
        if run is None:
            return list(PIPELINE)
        rest = list(PIPELINE[1:])
        if run.status != "done":
            return [("train", "--resume", run.id), *rest]
        if "train" in run.metrics:
            rest = rest[1:]
    return rest


@dataclass
class Kept:
    """Finished work at one moment: what must still be there, as it was, at the end."""

    training: list[Any] = field(default_factory=list)  # (run, seconds) once training is over
    steps: list[Any] = field(default_factory=list)  # (run, step, seconds) up to a checkpoint
    evaluations: list[Any] = field(default_factory=list)  # (run, split, created)
    attributions: list[Any] = field(default_factory=list)  # ids
    tags: list[Any] = field(default_factory=list)

    def missing(self, later: Kept) -> list[str]:
        """Names of the parts of which something is gone or was done anew."""
        return [
            name
            for name in self.__dataclass_fields__
            if not set(getattr(self, name)) <= set(getattr(later, name))
        ]


def finished_work(folder: Path) -> Kept:
    from nliexplorer.training.run import last_checkpoint

    db = folder / "runs.db"
    kept = Kept()
    if not db.exists() or not db.stat().st_size:
        return kept
    with closing(sqlite3.connect(db)) as plain:
        if not plain.execute("select count(*) from sqlite_master").fetchone()[0]:
            return kept
        for run_id, seconds in plain.execute("select id, train_seconds from runs").fetchall():
            last = last_checkpoint(folder / "checkpoints" / run_id / "steps")
            until = int(last.name.split("-")[-1]) if last else 0
            if seconds is not None:
                kept.training.append((run_id, seconds))
                until = 10**9
            sql = "select run_id, step, seconds from steps where run_id = ? and step <= ?"
            kept.steps += plain.execute(sql, (run_id, until)).fetchall()
        sql = "select run_id, split, created_at from evaluations where complete"
        kept.evaluations = plain.execute(sql).fetchall()
        kept.attributions = plain.execute("select run_id, id from attributions").fetchall()
        kept.tags = plain.execute("select example_id, tag, created_at from tags").fetchall()
    return kept


def faults(folder: Path) -> list[str]:
    """What is wrong with the database right after a kill; a missing one is sound."""
    db = folder / "runs.db"
    if not db.exists() or not db.stat().st_size:
        return []
    collected = []
    with closing(sqlite3.connect(db)) as plain:
        if plain.execute("pragma integrity_check").fetchone()[0] != "ok":
            collected.append("integrity_check")
        if plain.execute("pragma foreign_key_check").fetchall():
            collected.append("foreign_key_check")
        if not plain.execute("pragma user_version").fetchone()[0]:
            return collected  # killed before the first table: the next start makes them
    collected += check_database(db)
    with StoreReader(db) as reader:
        for run in reader.runs.all():
            if run.status == "done" and not run.metrics:
                collected.append(f"{run.name} looks done without metrics")
            if run.status == "done" and run.name == NAME and run.train_seconds is None:
                collected.append(f"{run.name} looks done and was not trained")
            for split, metrics in run.metrics.items():
                if reader.predictions.count(reader.runs.evaluation(run.id, split)) != metrics.n:
                    collected.append(f"{run.name} on {split} is half there")
    return collected


def outcome(folder: Path) -> dict[str, float]:
    """The figures to compare: metrics by split, and how much hangs on the run."""
    with StoreReader(folder / "runs.db") as reader:
        run = reader.runs.get(NAME)
        assert run.status == "done"
        figures = {
            f"{split}.{name}": float(value)
            for split, metrics in run.metrics.items()
            for name, value in metrics.as_dict().items()
            if value is not None and name != "eval_seconds"
        }
        figures["steps"] = len(reader.dynamics.steps(run.id))
        figures["runs"] = len(reader.runs.all())
        figures["tags"] = reader.annotations.all_tags().get(TAG, 0)
    with closing(sqlite3.connect(folder / "runs.db")) as plain:
        sql = "select count(*) from attributions where run_id = ?"
        figures["attributions"] = plain.execute(sql, (run.id,)).fetchone()[0]
    return figures
