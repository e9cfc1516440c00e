"""Fixtures over `samples`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.store.samples import two_runs


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two runs on 200 pairs."""
    path = tmp_path / "runs.db"
    two_runs(path)
    return path


@pytest.fixture
def reader(database: Path) -> Iterator[StoreReader]:
    with StoreReader(database) as opened:
        yield opened


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[StoreWriter]:
    with StoreWriter(tmp_path / "new.db") as opened:
        yield opened
