"""One read-only connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from nliexplorer.store.connection import open_reader, sqlite_errors
from nliexplorer.store.functions import add_functions


class ReaderBase:
    """Usable from any thread, one at a time; `interrupt` from another one while it works."""

    def __init__(self, source: str | Path | sqlite3.Connection) -> None:
        if isinstance(source, sqlite3.Connection):
            self.path = Path("database")
            self._connection = source
            self._connection.row_factory = sqlite3.Row
        else:
            self.path = Path(source)
            self._connection = open_reader(self.path)
        add_functions(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def clone(self) -> Self:
        """A second reader of the same file, for another thread."""
        return type(self)(self.path)

    def close(self) -> None:
        self._connection.close()

    def interrupt(self) -> None:
        """Ends the query that runs in another thread: it raises QueryInterruptedError there."""
        self._connection.interrupt()

    def _all(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        with sqlite_errors(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def _one(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Row | None:
        with sqlite_errors(self.path):
            row: sqlite3.Row | None = self._connection.execute(sql, parameters).fetchone()
            return row
