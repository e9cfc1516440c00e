"""Short write transactions on one connection."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

from nliexplorer.store.connection import now, open_writer, sqlite_errors
from nliexplorer.store.functions import add_functions

#: Rows written in one transaction: tens of milliseconds, so that nobody waits long.
BATCH = 2_000
_ATTEMPTS = 3  # of BUSY_TIMEOUT each

Item = TypeVar("Item")


class WriterBase:
    """One connection; every public method is one or a few atomic transactions."""

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        self.path = Path(path)
        self._connection = open_writer(self.path, create=create)
        add_functions(self._connection)
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """BEGIN IMMEDIATE ... COMMIT, or ROLLBACK; joins the transaction that is open already."""
        with self._lock, sqlite_errors(self.path):
            if self._connection.in_transaction:
                yield self._connection
                return
            self._begin()
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise

    def _begin(self) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                self._connection.execute("begin immediate")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or attempt == _ATTEMPTS - 1:
                    raise

    def _touched(self, run_id: str) -> None:
        """The run's heartbeat."""
        self._connection.execute("update runs set updated_at = ? where id = ?", (now(), run_id))


def batches(items: Iterator[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """Lists of `size` items, the last one shorter."""
    while batch := list(islice(items, size)):
        yield batch
