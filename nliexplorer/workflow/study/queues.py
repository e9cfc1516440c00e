"""Where the runs of a study wait to be made: the queue of one machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from nliexplorer.workflow.study.plan import Task

BLOCKED = "the run that it starts from failed"


class TaskQueue(Protocol):
    """Tasks to make. Each one that `take` gives is followed by `done` or `failed`, or `close`."""

    poll: float | None  # seconds after which to ask again what others did; None: there are none

    def take(self) -> Task | None:
        """The next task that can be started now, if there is one."""

    def done(self, task: Task) -> None: ...

    def failed(self, task: Task, reason: str) -> None: ...

    def exhausted(self) -> bool:
        """Whether nothing more will come, where `take` gives nothing and nothing runs here."""

    def progress(self) -> str:
        """How far the study is, for the log."""

    def failures(self) -> dict[str, str]:
        """Names of the tasks that could not be made, with the reason of each."""

    def close(self) -> None:
        """Give back what was taken and neither done nor failed."""


class LocalQueue:
    """Tasks in order, each as soon as what it starts from is done."""

    poll: float | None = None

    def __init__(self, tasks: Sequence[Task], done: set[str]) -> None:
        """`done`: keys of the tasks whose runs are there already."""
        self._waiting = [task for task in tasks if task.key not in done]
        self._done, self._running = set(done), 0
        self._failures: dict[str, str] = {}

    def take(self) -> Task | None:
        ready = (task for task in self._waiting if not task.start or task.start in self._done)
        task = next(ready, None)
        if task is not None:
            self._waiting.remove(task)
            self._running += 1
        return task

    def done(self, task: Task) -> None:
        self._done.add(task.key)
        self._running -= 1

    def failed(self, task: Task, reason: str) -> None:
        self._failures[task.name] = reason
        self._running -= 1

    def exhausted(self) -> bool:
        return True

    def progress(self) -> str:
        return f"{len(self._waiting) + self._running} to go"

    def failures(self) -> dict[str, str]:
        return self._failures | {task.name: BLOCKED for task in self._waiting}

    def close(self) -> None:
        """Nothing to give back: the database says what is done."""
