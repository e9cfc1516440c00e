"""Results kept for the session: going back shows at once what was computed before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Total number of predictions that the kept results may cover.
MOST_ROWS = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    key: object
    rows: int
    result: Any


class Results:
    """Results by key (compared, not hashed); the least recently used are dropped first.

    Thread-safe. Nobody waits for a result that another thread computes, perhaps at low priority.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []  # used last at the end
        self._age = 0  # how often everything was forgotten

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return any(entry.key == key for entry in self._entries)

    def get(self, key: object, rows: int, compute: Callable[[], Any]) -> Any:
        """The result of `compute()`, which is about so many `rows`; its errors are not kept."""
        with self._lock:
            age = self._age
            for entry in self._entries:
                if entry.key == key:
                    self._entries.remove(entry)
                    self._entries.append(entry)
                    return entry.result
        entry = _Entry(key, rows, compute())
        with self._lock:
            if age == self._age:
                self._entries.append(entry)
            while len(self._entries) > 1 and sum(e.rows for e in self._entries) > MOST_ROWS:
                del self._entries[0]
        return entry.result

    def clear(self) -> None:
        """Forget everything: the database has changed."""
        with self._lock:
            self._entries.clear()
            self._age += 1
