"""StoreReader: read access to a database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Self

from nliexplorer.store.reading.annotations import AnnotatedPair, AnnotationsReader
from nliexplorer.store.reading.arrays import PredictionArrays
from nliexplorer.store.reading.attributions import AttributedPair, AttributionsReader
from nliexplorer.store.reading.connection import ReadConnection
from nliexplorer.store.reading.counterparts import Counterpart
from nliexplorer.store.reading.dynamics import Dynamics, DynamicsReader
from nliexplorer.store.reading.examples import ExamplesReader, StoredExample
from nliexplorer.store.reading.pages import Cursor, Page
from nliexplorer.store.reading.predictions import PredictionsReader
from nliexplorer.store.reading.runs import RunsReader

__all__ = [
    "AnnotatedPair",
    "AttributedPair",
    "Counterpart",
    "Cursor",
    "Dynamics",
    "Page",
    "PredictionArrays",
    "StoreReader",
    "StoredExample",
]


class StoreReader:
    """`with StoreReader(path) as reader: ...`; reads only, waits for no writer. Raises NliError.

    Usable from any thread, one at a time; `interrupt` from another one while it works.

    runs          runs, their evaluations, and where another run predicted the same pairs
    predictions   pairs of one evaluation that pass a filter: counts, pages, arrays
    examples      the pairs themselves: texts, ids, annotators
    attributions  token attributions and their statistics
    dynamics      what was recorded while a run was trained: steps, validations, training pairs
    annotations   tags, notes, saved filters
    """

    def __init__(self, source: str | Path | sqlite3.Connection) -> None:
        self._connection = ReadConnection(source)
        self.path = self._connection.path
        self.runs = RunsReader(self._connection)
        self.predictions = PredictionsReader(self._connection, self.runs)
        self.examples = ExamplesReader(self._connection)
        self.attributions = AttributionsReader(self._connection, self.runs)
        self.dynamics = DynamicsReader(self._connection)
        self.annotations = AnnotationsReader(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def clone(self) -> Self:
        """A second reader of the same file, for another thread."""
        return type(self)(self.path)

    def close(self) -> None:
        self._connection.sqlite.close()

    def interrupt(self) -> None:
        """Ends the query that runs in another thread: it raises QueryInterruptedError there."""
        self._connection.sqlite.interrupt()
