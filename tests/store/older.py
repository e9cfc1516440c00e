"""Databases as earlier versions left them, and the schema's next change, made up."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from nliexplorer.store import connection, migrations
from nliexplorer.store.schema import SCHEMA_VERSION

#: One file a schema, made by the last version that had it: schema-N.db.xz.
FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("schema-*.db.xz"))


def version_of(fixture: Path) -> int:
    return int(fixture.name.split("-")[1].split(".")[0])


def unpack(fixture: Path, path: Path) -> Path:
    path.write_bytes(lzma.decompress(fixture.read_bytes()))
    return path


def add_next_migration(patch: pytest.MonkeyPatch) -> None:
    """From here on every stored database is of an older schema."""
    longer = migrations.Migrations("nliexplorer")
    longer._migrations = list(migrations.migrations._migrations)

    @longer()
    def to_come(db: migrations.Database) -> None:
        db.conn.execute("alter table runs add column colour text not null default 'grey'")
        db.conn.execute(f"pragma user_version = {SCHEMA_VERSION + 1}")

    patch.setattr(migrations, "migrations", longer)
    patch.setattr(connection, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
