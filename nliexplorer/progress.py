"""Progress on stderr: a live bar on a terminal, a line now and then in a log file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


@contextmanager
def progress(label: str, unit: str = "pairs") -> Iterator[Advance]:
    """A callable that shows how far a task is; `label` and `unit` are plain text."""
    shown = _bar(label, unit) if console.is_terminal else _lines(label, unit)
    with shown as advance:
        yield advance


@contextmanager
def _bar(label: str, unit: str) -> Iterator[Advance]:
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn(unit, markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _lines(label: str, unit: str) -> Iterator[Advance]:
    start = last = time.monotonic()

    def advance(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < LOG_EVERY_SECONDS or not done:
            return
        last = now
        remaining = (now - start) * (total - done) / done
        console.print(f"{label}: {done}/{total} {unit}, about {remaining:.0f} s left")

    yield advance


def say(text: str) -> None:
    """One line of log on stderr, as it is; of several processes the first alone writes."""
    if os.environ.get("RANK", "0") == "0":
        console.print(text, soft_wrap=True)
