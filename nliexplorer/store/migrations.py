"""From nothing, or from an older schema, to the schema of `store.schema`."""

from __future__ import annotations

import re
import sqlite3

from sqlite_utils import Database, Migrations

from nliexplorer.store.computed_columns import set_all
from nliexplorer.store.schema import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    SEARCH,
    TABLES,
    VIEWS,
    statements,
)

migrations = Migrations("nliexplorer")


@migrations()
def m001_initial(db: Database) -> None:
    """A new database has the newest schema at once, and the later steps find nothing to do."""
    for statement in statements(TABLES, SEARCH, VIEWS):
        db.conn.execute(statement)
    db.conn.execute(f"pragma application_id = {APPLICATION_ID}")
    db.conn.execute(f"pragma user_version = {SCHEMA_VERSION}")


@migrations()
def m002_identity_and_missing_answers(db: Database) -> None:
    """Evaluations identify their pairs; labels and answers may be missing or two-way."""
    connection = db.conn
    if connection.execute("pragma user_version").fetchone()[0] >= 2:
        return
    for view in ("attribution_words", "attribution_tokens", "prediction_labels"):
        connection.execute(f"drop view {view}")
    for table in ("validations", "evaluations", "examples", "predictions", "attributions"):
        _rebuild(connection, table)
    connection.execute(_statement("table", "answers"))
    for statement in statements(SEARCH, VIEWS):
        if not statement.startswith("create virtual table"):
            connection.execute(statement)
    set_all(connection)
    connection.execute("pragma user_version = 2")


@migrations()
def m003_windows(db: Database) -> None:
    """Predictions and attributions record the number of their windows."""
    connection = db.conn
    if connection.execute("pragma user_version").fetchone()[0] >= 3:
        return
    for table in ("predictions", "attributions"):
        there = {row[1] for row in connection.execute(f"pragma table_info({table})")}
        for column in ("window", "windows"):
            if column not in there:
                connection.execute(f"alter table {table} add column {column} integer")
    connection.execute("pragma user_version = 3")


def _rebuild(connection: sqlite3.Connection, table: str) -> None:
    """The table as `schema` has it, with all its rows and indexes; new columns get their defaults.

    As https://sqlite.org/lang_altertable.html#otheralter says; foreign keys must be off.
    """
    create = _statement("table", table)
    connection.execute(create.replace(f"create table {table} ", f"create table new_{table} ", 1))
    old, new = (
        [row[1] for row in connection.execute(f"pragma table_info({name})")]
        for name in (table, f"new_{table}")
    )
    shared = ", ".join(f'"{column}"' for column in new if column in old)
    connection.execute(f"insert into new_{table} ({shared}) select {shared} from {table}")
    connection.execute(f"drop table {table}")
    connection.execute(f"alter table new_{table} rename to {table}")
    for statement in statements(TABLES):
        if re.match(rf"create (unique )?index \w+ on {table} ", _bare(statement)):
            connection.execute(statement)


def _statement(kind: str, name: str) -> str:
    [statement] = [s for s in statements(TABLES) if _bare(s).startswith(f"create {kind} {name} ")]
    return statement


def _bare(statement: str) -> str:
    """Without the comments before it."""
    return re.sub(r"\A(--[^\n]*\n\s*)*", "", statement)
