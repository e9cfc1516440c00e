"""StoreReader: every question one can ask a database."""

from __future__ import annotations

from nliexplorer.store.reading.arrays import PredictionArrays
from nliexplorer.store.reading.pages import Cursor, Page
from nliexplorer.store.reading.pairs import StoredExample
from nliexplorer.store.reading.statistics import StatisticsReader

__all__ = ["Cursor", "Page", "PredictionArrays", "StoreReader", "StoredExample"]


class StoreReader(StatisticsReader):
    """`with StoreReader(path) as reader: ...`; reads only, waits for no writer. Raises NliError.

    Use one a thread (`clone`).
    """
