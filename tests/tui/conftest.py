"""A small database with two runs, made through the writer: deterministic down to the ids shown."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from nliexplorer.store import connection
from nliexplorer.store.writer import StoreWriter
from nliexplorer.store.writing import runs as writing_runs
from tests.databases import trained_run

WHEN = "2026-01-02T03:04:05.000+00:00"


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ids and times are frozen, so that snapshots show the same everywhere."""
    path = tmp_path_factory.mktemp("tui") / "runs.db"
    numbers = iter(range(1, 1000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing_runs, "now", lambda: WHEN, raising=False)
        patch.setattr(connection, "now", lambda: WHEN)
        ids = SimpleNamespace(token_hex=lambda _: f"{next(numbers):08x}")
        patch.setattr(writing_runs, "secrets", ids)
        with StoreWriter(path) as writer:
            trained_run(writer, "base", "baseline", 1.6, 1)
            trained_run(writer, "reg", "ig-variance", 2.2, 2)
            writer.compact(single_file=True)
    return path


@pytest.fixture
def database(_built: Path, tmp_path: Path) -> Path:
    """A copy of its own for each test."""
    return Path(shutil.copy(_built, tmp_path / "runs.db"))


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
