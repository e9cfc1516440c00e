"""Progress on stderr: a live bar on a terminal, a line now and then in a log file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

#: Called with (done, total) items.
Advance = Callable[[int, int], None]

LOG_EVERY_SECONDS = 10.0

console = Console(stderr=True, highlight=False, markup=False, emoji=False)


class ProgressReport:
    """How far one task is; `label`, `unit` and notes are plain text.

    `done` items were there before: the time left counts those since.
    """

    def __init__(self, label: str, unit: str, total: int | None = None, done: int = 0) -> None:
        self._label, self._unit = label, unit
        self._first, self._start = done, time.monotonic()
        self._logged = self._start
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn(unit, markup=False),
                TextColumn("{task.fields[note]}", markup=False),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task(label, total=total, completed=done, note="")
            self._bar.start()

    def advance(self, done: int, total: int, note: str = "") -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, note=note)
            return
        now = time.monotonic()
        if now - self._logged < LOG_EVERY_SECONDS or done <= self._first:
            return
        self._logged = now
        left = (now - self._start) * (total - done) / (done - self._first)
        parts = (f"{done}/{total} {self._unit}", note, f"{timedelta(seconds=round(left))} left")
        say(f"{self._label}: {' · '.join(filter(None, parts))}")

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def progress(label: str, unit: str = "pairs") -> Iterator[Advance]:
    """A callable that shows the progress of a task while the context lasts."""
    report = ProgressReport(label, unit)
    try:
        yield report.advance
    finally:
        report.close()


def say(text: str) -> None:
    """One log line on stderr, printed as is; in a distributed run only the main process writes."""
    if os.environ.get("RANK", "0") == "0":
        console.print(text, soft_wrap=True)
