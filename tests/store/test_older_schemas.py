"""Databases as earlier versions left them: migrated with a backup beside, or as good as new."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from nliexplorer.store.check import check_database
from nliexplorer.store.connection import SCHEMA_VERSION
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.store.older import FIXTURES, add_next_migration, unpack, version_of


def test_there_is_a_database_of_every_schema() -> None:
    assert [version_of(path) for path in FIXTURES] == list(range(1, SCHEMA_VERSION + 1))


@pytest.fixture(params=FIXTURES, ids=lambda path: path.name)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int]:
    return unpack(request.param, tmp_path / "runs.db"), version_of(request.param)


def _holds_everything(path: Path) -> None:
    with StoreReader(path) as reader:
        assert {run.name for run in reader.runs.all()} == {"first", "second"}
        for run in reader.runs.all():
            assert (
                run.metrics["dev"].n
                == reader.predictions.count(reader.runs.evaluation(run.id))
                == 12
            )
            rows = reader.predictions.rows(reader.runs.evaluation(run.id))
            wrong = [row.example_id for row in rows if not row.correct]
            found = reader.attributions.of_pairs(run.id, [row.example_id for row in rows])
            assert len(wrong) == len(found)
            assert len(reader.dynamics.steps(run.id)) == 3
        assert reader.annotations.all_tags() == {"odd": 1}
        assert reader.annotations.filters() == {"long": "len:>20"}
    assert check_database(path) == []


def test_an_old_database_opens_whole(old: tuple[Path, int]) -> None:
    path, version = old
    before = path.read_bytes()
    _holds_everything(path)
    backups = list(path.parent.glob("runs.db.bak-*"))
    assert len(backups) == (version < SCHEMA_VERSION)
    if version == SCHEMA_VERSION:
        assert path.read_bytes() == before


def test_and_through_a_migration_that_is_still_to_come(
    old: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the next change of the schema will do to it, backup included."""
    path, version = old
    with monkeypatch.context() as patch:
        add_next_migration(patch)
        _holds_everything(path)
        with StoreWriter(path) as writer:
            writer.create_run(name="new", objective="baseline", data="d", model="m")
        [backup] = path.parent.glob("runs.db.bak-*")
    with sqlite3.connect(backup) as plain:
        assert plain.execute("pragma user_version").fetchone()[0] == version
    _holds_everything(backup)
