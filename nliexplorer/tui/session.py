"""Access to the database: one read-only connection per thread; overtaken queries are stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar

from nliexplorer.errors import NliError
from nliexplorer.store.connection import QueryInterruptedError
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.results import Results

T = TypeVar("T")


class OvertakenError(Exception):
    """A newer query of the same kind has begun; nobody waits for this result."""


class Session:
    """Readers for worker threads, and short writes for tags, notes and saved slices.

    `answer` runs on a worker thread; `interrupt` and `close` on any.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results = Results()
        self._local = threading.local()
        self._lock = threading.Lock()
        self._running: dict[Hashable, tuple[object, StoreReader]] = {}
        self._closed = False

    def answer(self, kind: Hashable, ticket: object, query: Callable[[StoreReader], T]) -> T:
        """The result of `query(reader)`; OvertakenError if `interrupt(kind)` came first.

        Every other error is a NliError.
        """
        reader = self._reader()
        with self._lock:
            if self._closed:
                raise OvertakenError
            self._running[kind] = (ticket, reader)
        try:
            return query(reader)
        except QueryInterruptedError:
            raise OvertakenError from None
        except NliError:
            self._forget()  # a fresh connection next time: the file may have changed
            raise
        finally:
            with self._lock:
                if self._running.get(kind, (None,))[0] is ticket:
                    del self._running[kind]

    def interrupt(self, kind: Hashable) -> None:
        """Stop the query of this kind that is under way, if any."""
        with self._lock:
            if running := self._running.pop(kind, None):
                running[1].interrupt()

    def close(self) -> None:
        """Stop every query, so that quitting does not wait."""
        with self._lock:
            self._closed = True
            for _, reader in self._running.values():
                reader.interrupt()
            self._running.clear()

    def write(self, action: Callable[[StoreWriter], T]) -> T:
        """One transaction on the calling worker thread."""
        with StoreWriter(self.path, create=False) as writer, writer.transaction():
            result = action(writer)
        self.results.clear()
        return result

    def _reader(self) -> StoreReader:
        """This thread's reader; a file that is gone is noticed, although it can still be read."""
        reader: StoreReader | None = getattr(self._local, "reader", None)
        if reader is not None and not self.path.exists():
            self._forget()
            reader = None
        if reader is None:
            reader = self._local.reader = StoreReader(self.path)
        return reader

    def _forget(self) -> None:
        reader: StoreReader | None = getattr(self._local, "reader", None)
        if reader is not None:
            self._local.reader = None
            reader.close()
