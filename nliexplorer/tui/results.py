"""Results kept for the session: going back shows at once what was computed before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: How many predictions the kept results may be about, together.
MOST_ROWS = 2_000_000


@dataclass(slots=True, eq=False)
class _Entry:
    key: object
    rows: int
    done: threading.Event = field(default_factory=threading.Event)
    failed: bool = False
    result: Any = None


class Results:
    """Computes each key once; a second thread that asks waits for the first. Thread-safe.

    Keys are compared, not hashed. The results used longest ago give way.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []  # used last at the end

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return self._find(key) is not None

    def get(self, key: object, rows: int, compute: Callable[[], Any]) -> Any:
        """The result of `compute()`, which is about so many `rows`; its errors are not kept."""
        while True:
            with self._lock:
                entry = self._find(key)
                if entry is None:
                    break
                self._entries.remove(entry)
                self._entries.append(entry)
            entry.done.wait()
            if not entry.failed:
                return entry.result
        return self._compute(_Entry(key, rows), compute)

    def clear(self) -> None:
        """Forget everything: the database has changed."""
        with self._lock:
            self._entries.clear()

    def _find(self, key: object) -> _Entry | None:
        return next((e for e in self._entries if e.key == key and not e.failed), None)

    def _compute(self, entry: _Entry, compute: Callable[[], Any]) -> Any:
        with self._lock:
            self._entries.append(entry)
            while len(self._entries) > 1 and sum(e.rows for e in self._entries) > MOST_ROWS:
                del self._entries[0]
        try:
            entry.result = compute()
        except BaseException:
            entry.failed = True
            with self._lock:
                if entry in self._entries:
                    self._entries.remove(entry)
            raise
        finally:
            entry.done.set()
        return entry.result
