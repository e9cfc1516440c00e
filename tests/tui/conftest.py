"""A small database with two runs, made through the writer: deterministic down to the ids shown."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from nliexplorer.store import connection
from nliexplorer.store.writer import StoreWriter
from nliexplorer.store.writing import runs as writing_runs
from tests.databases import trained_run

ARMS = (("base", "baseline", 1.6), ("reg", "ig-variance", 2.2))
WHEN = "2026-01-02T03:04:05.000+00:00"


def _frozen(path: Path, runs: Sequence[tuple[str, str, float, int, int]]) -> Path:
    """A database of these runs (see `trained_run`); ids and times are frozen, so that snapshots
    show the same everywhere."""
    numbers = iter(range(1, 1000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing_runs, "now", lambda: WHEN, raising=False)
        patch.setattr(connection, "now", lambda: WHEN)
        ids = SimpleNamespace(token_hex=lambda _: f"{next(numbers):08x}")
        patch.setattr(writing_runs, "secrets", ids)
        with StoreWriter(path) as writer:
            for run in runs:
                trained_run(writer, *run)
            writer.compact(single_file=True)
    return path


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = [("base", "baseline", 1.6, 1, 0), ("reg", "ig-variance", 2.2, 2, 0)]
    return _frozen(tmp_path_factory.mktemp("tui") / "runs.db", runs)


@pytest.fixture(scope="session")
def _built_arms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = [
        (f"{arm}-s{seed}", objective, skill, 10 * place + seed, seed)
        for place, (arm, objective, skill) in enumerate(ARMS)
        for seed in range(3)
    ]
    return _frozen(tmp_path_factory.mktemp("arms") / "runs.db", runs)


@pytest.fixture
def database(_built: Path, tmp_path: Path) -> Path:
    """A copy of its own for each test."""
    return Path(shutil.copy(_built, tmp_path / "runs.db"))


@pytest.fixture
def seeds_database(_built_arms: Path, tmp_path: Path) -> Path:
    """Two arms of three seeds each."""
    return Path(shutil.copy(_built_arms, tmp_path / "runs.db"))


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
