"""Databases as earlier versions left them: migrated with a backup beside, or as good as new."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nliexplorer.records import Prediction, Window, pairs_fingerprint
from nliexplorer.store.check import check_database
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.salvage import salvage
from nliexplorer.store.schema import SCHEMA_VERSION
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
            result = reader.attributions.of_pairs(run.id, [row.example_id for row in rows])
            assert len(wrong) == len(result)
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


def _schema(path: Path) -> dict[tuple[str, str], str]:
    """Every table, index, view and trigger, as SQLite keeps its text."""
    with closing(sqlite3.connect(path)) as plain:
        rows = plain.execute("select type, name, sql from sqlite_master where sql is not null")
        return {(kind, name): _plain_sql(sql) for kind, name, sql in rows}


def _plain_sql(sql: str) -> str:
    """Without comments, which an older database keeps, the quotes that a rename leaves, and the
    space round punctuation, where added columns have their own.
    """
    bare = " ".join(re.sub(r"--[^\n]*", "", sql).replace('"', "").split()).lower()
    return re.sub(r" ?([(),]) ?", r"\1", bare)


def test_an_old_database_gets_the_schema_of_a_new_one(
    old: tuple[Path, int], tmp_path: Path
) -> None:
    path, _ = old
    StoreWriter(path).close()
    StoreWriter(tmp_path / "blank.db").close()
    assert _schema(path) == _schema(tmp_path / "blank.db")
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("pragma foreign_key_check").fetchall() == []
        plain.execute("insert into examples_fts (examples_fts) values ('integrity-check')")


def test_a_migration_keeps_every_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = unpack(FIXTURES[0], tmp_path / "runs.db")
    before = _rows(path)
    StoreWriter(path).close()
    [backup] = path.parent.glob("runs.db.bak-*")
    assert _rows(backup) == before
    after = _rows(path)
    for table, rows in before.items():
        assert [{column: new[column] for column in row} for new, row in zip(
            after[table], rows, strict=True
        )] == rows  # fmt: skip
    assert f"{backup}" in capsys.readouterr().err.replace("\n", "")


def _rows(path: Path) -> dict[str, list[dict[str, object]]]:
    tables = ("runs", "steps", "evaluations", "examples", "predictions", "attributions", "notes")
    with closing(sqlite3.connect(path)) as plain:
        plain.row_factory = sqlite3.Row
        return {
            table: [dict(row) for row in plain.execute(f"select * from {table} order by 1, 2")]
            for table in tables
        }


def test_a_migration_gives_evaluations_the_fingerprint_of_their_pairs(tmp_path: Path) -> None:
    path = unpack(FIXTURES[0], tmp_path / "runs.db")
    with StoreReader(path) as reader:
        keys = [row.example_id for row in reader.predictions.rows(reader.runs.evaluation("first"))]
    with closing(sqlite3.connect(path)) as plain:
        stored = plain.execute("select fingerprint, classes from evaluations").fetchall()
    assert stored == [(pairs_fingerprint(reversed(keys)), 3)] * 2


def test_windows_of_before_their_count_was_kept(tmp_path: Path) -> None:
    path = unpack(FIXTURES[1], tmp_path / "runs.db")
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("update predictions set window = 2 where position = 0")
        plain.commit()
    with StoreReader(path) as reader:
        first, second, *_ = reader.predictions.rows(reader.runs.evaluation("first"))
    assert (first.window, second.window) == (Window(3, None), None)
    assert str(first.window) == "window 3"


def test_a_migration_gives_sets_of_two_labels_their_confidence(tmp_path: Path) -> None:
    path = unpack(FIXTURES[0], tmp_path / "runs.db")
    with closing(sqlite3.connect(path)) as plain:  # one run's set gets two labels
        theirs = "where evaluation_id = 1 and gold <> 0"
        plain.execute(f"update predictions set gold = 3, correct = predicted <> 0 {theirs}")
        plain.commit()
    with StoreReader(path) as reader:
        two, three = (
            reader.predictions.rows(reader.runs.evaluation(name)) for name in ("first", "second")
        )
    for rows, two_label in ((two, True), (three, False)):
        expected = [
            Prediction(row.predicted, probabilities=row.probabilities).confidence(
                two_label=two_label
            )
            for row in rows
        ]
        assert [row.confidence for row in rows] == expected
    assert any(row.confidence != max(row.probabilities or ()) for row in two)


def test_salvage_takes_an_old_database(old: tuple[Path, int], tmp_path: Path) -> None:
    path, _ = old
    salvage(path, tmp_path / "saved.db")
    _holds_everything(tmp_path / "saved.db")
    with closing(sqlite3.connect(tmp_path / "saved.db")) as plain:
        unknown = plain.execute("select count(*) from evaluations where fingerprint = ''")
        assert unknown.fetchone() == (0,)
