"""StoreWriter: everything that changes a database."""

from __future__ import annotations

from nliexplorer.store.connection import sqlite_errors
from nliexplorer.store.writing.evaluations import EvaluationsWriter
from nliexplorer.store.writing.merge import MergeReport, MergeWriter
from nliexplorer.store.writing.notes import NotesWriter

__all__ = ["MergeReport", "StoreWriter"]


class StoreWriter(EvaluationsWriter, NotesWriter, MergeWriter):
    """`with StoreWriter(path) as writer: ...`; makes the database unless `create=False`.

    Safe beside any number of readers and other writers, also in other processes. Raises NliError.
    """

    def compact(self, *, single_file: bool = False) -> None:
        """Gives free pages back; `single_file` leaves no -wal beside it, for shipping."""
        with self._lock, sqlite_errors(self.path):
            connection = self._connection
            connection.execute("pragma wal_checkpoint(truncate)")
            if single_file:
                connection.execute("pragma journal_mode = delete")
            connection.execute("vacuum")
