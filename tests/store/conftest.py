"""A reader of the common database, a writer of a new one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter


@pytest.fixture
def reader(database: Path) -> Iterator[StoreReader]:
    with StoreReader(database) as opened:
        yield opened


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[StoreWriter]:
    with StoreWriter(tmp_path / "new.db") as opened:
        yield opened
