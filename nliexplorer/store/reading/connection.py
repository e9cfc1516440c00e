"""The read-only connection that the parts of a reader share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from nliexplorer.store.connection import open_reader, sqlite_errors
from nliexplorer.store.functions import add_functions


class ReadConnection:
    """SQLite's errors become NliError. Usable from any thread, by one at a time."""

    def __init__(self, source: str | Path | sqlite3.Connection) -> None:
        self.identity: object = object()  # equal for readers of one file
        if isinstance(source, sqlite3.Connection):
            self.path = Path("database")
            self.sqlite = source
            self.sqlite.row_factory = sqlite3.Row
        else:
            self.path = Path(source)
            self.identity = self.path.absolute()
            self.sqlite = open_reader(self.path)
        self.regex_clock = add_functions(self.sqlite)

    def all(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        with sqlite_errors(self.path):
            return self.sqlite.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Row | None:
        with sqlite_errors(self.path):
            row: sqlite3.Row | None = self.sqlite.execute(sql, parameters).fetchone()
            return row

    def exists(self, sql: str, parameters: Sequence[object] = ()) -> bool:
        """Whether the query has a row."""
        return self.one(sql, parameters) is not None

    def iterate(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[sqlite3.Row]:
        """Row by row, for results too large to hold."""
        with sqlite_errors(self.path):
            yield from self.sqlite.execute(sql, parameters)

    def tuples(
        self, sql: str, parameters: Sequence[object] = (), size: int = 50_000
    ) -> Iterator[list[tuple[object, ...]]]:
        """Blocks of plain tuples: quicker than rows where there are many."""
        with sqlite_errors(self.path):
            cursor = self.sqlite.cursor()
            cursor.row_factory = None
            cursor.execute(sql, parameters)
            while block := cursor.fetchmany(size):
                yield block
