"""What may be opened, what is refused, and that refused files stay as they are."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from nliexplorer.errors import NliError
from nliexplorer.store import connection, migrations
from nliexplorer.store.connection import (
    QueryInterruptedError,
    open_reader,
    open_writer,
    sqlite_errors,
)
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.schema import SCHEMA_VERSION


def test_the_version_counts_the_migrations(tmp_path: Path) -> None:
    assert len(migrations.migrations._migrations) == connection.SCHEMA_VERSION
    opened = open_writer(tmp_path / "x.db")
    assert opened.execute("pragma user_version").fetchone()[0] == connection.SCHEMA_VERSION
    assert opened.execute("pragma journal_mode").fetchone()[0] == "wal"
    assert opened.execute("pragma foreign_keys").fetchone()[0] == 1


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as made:
        made.execute("create table t (x)")


def _other_program(path: Path) -> None:
    with sqlite3.connect(path) as made:
        made.execute("pragma application_id = 42")


def _newer(path: Path) -> None:
    open_writer(path).close()
    with sqlite3.connect(path) as made:
        made.execute(f"pragma user_version = {connection.SCHEMA_VERSION + 1}")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("hello " * 100), "not an SQLite database"),
        (lambda path: path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000), "x.db"),
        (_foreign, "another program"),
        (_other_program, "another program"),
        (_newer, "newer nliexplorer"),
        (lambda path: path.mkdir(), "not a file"),
    ],
)
def test_what_is_not_ours_is_refused_untouched(tmp_path: Path, make, message: str) -> None:
    path = tmp_path / "x.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    for opens in (open_reader, open_writer):
        with pytest.raises(NliError, match=message):
            opens(path)
    assert (path.read_bytes() if path.is_file() else b"") == before
    left = {p.name for p in tmp_path.iterdir()} - {"x.db-wal", "x.db-shm"}
    assert left == {"x.db"}


def test_missing_and_empty(tmp_path: Path) -> None:
    with pytest.raises(NliError, match="there is no database"):
        open_reader(tmp_path / "x.db")
    with pytest.raises(NliError, match="there is no database"):
        open_writer(tmp_path / "x.db", create=False)
    assert not (tmp_path / "x.db").exists()
    with pytest.raises(NliError, match="there is no folder"):
        open_writer(tmp_path / "nowhere" / "x.db")
    (tmp_path / "x.db").touch()
    with pytest.raises(NliError, match="is empty"):
        open_reader(tmp_path / "x.db")
    open_writer(tmp_path / "x.db").close()
    open_reader(tmp_path / "x.db").close()


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "what?.db", "hash#1.db", "猫.db", "a&b=c.db"])
def test_names_that_mean_something_in_a_uri(tmp_path: Path, name: str) -> None:
    open_writer(tmp_path / name).close()
    open_reader(tmp_path / name).close()
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".db")] == [name]


def test_an_older_schema_is_migrated_after_a_backup(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(StoreReader(database).runs.all())
    longer = migrations.Migrations("nliexplorer")
    longer._migrations = list(migrations.migrations._migrations)

    @longer()
    def to_come(db: migrations.Database) -> None:
        db.conn.execute("alter table runs add column colour text")
        db.conn.execute(f"pragma user_version = {SCHEMA_VERSION + 1}")

    monkeypatch.setattr(migrations, "migrations", longer)
    monkeypatch.setattr(connection, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with StoreReader(database) as reader:
        assert len(reader.runs.all()) == before
        assert "colour" in set(reader._connection.all("select * from runs")[0].keys())
    [backup] = database.parent.glob("runs.db.bak-*")
    with sqlite3.connect(backup) as old:
        assert old.execute("pragma user_version").fetchone()[0] == SCHEMA_VERSION
        assert old.execute("select count(*) from runs").fetchone()[0] == before


def test_a_failing_migration_changes_nothing(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = migrations.Migrations("nliexplorer")
    longer._migrations = list(migrations.migrations._migrations)

    @longer()
    def to_come(db: migrations.Database) -> None:
        db.conn.execute("alter table runs add column colour text")
        db.conn.execute("select * from nowhere")

    monkeypatch.setattr(migrations, "migrations", longer)
    monkeypatch.setattr(connection, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with pytest.raises(NliError, match="nowhere"):
        open_writer(database)
    monkeypatch.undo()
    with StoreReader(database) as reader:
        assert "colour" not in set(reader._connection.all("select * from runs")[0].keys())


def test_readers_cannot_write(database: Path) -> None:
    opened = open_reader(database)
    with pytest.raises(NliError, match="cannot be written"), sqlite_errors(database):
        opened.execute("delete from runs")


def test_an_overtaken_query_ends(database: Path) -> None:
    with StoreReader(database) as reader:
        threading.Timer(0.05, reader.interrupt).start()
        endless = (
            "with recursive n(x) as (select 1 union all select x + 1 from n) select max(x) from n"
        )
        with pytest.raises(QueryInterruptedError):
            reader._connection.all(endless)
        assert reader.runs.all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("database is locked", "is busy"),
        ("database or disk is full", "disk is full"),
        ("disk I/O error", "cannot be read or written"),
        ("attempt to write a readonly database", "cannot be written"),
        ("database disk image is malformed", "is damaged"),
        ("no such table: x", "no such table"),
    ],
)
def test_errors_are_told(text: str, message: str) -> None:
    with pytest.raises(NliError, match=message) as caught, sqlite_errors("runs.db"):
        raise sqlite3.OperationalError(text)
    assert caught.value.hint


def test_every_filter_column_has_an_index(database: Path) -> None:
    with sqlite3.connect(database) as plain:
        result = {
            row[0] for row in plain.execute("select name from sqlite_master where type='index'")
        }
    for column in ("gold", "predicted", "correct", "length", "confidence", "example"):
        assert f"predictions_{column}" in result
