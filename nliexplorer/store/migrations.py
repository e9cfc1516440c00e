"""From nothing, or from an older schema, to the schema of `store.schema`."""

from __future__ import annotations

import re
import sqlite3

from sqlite_utils import Database, Migrations

from nliexplorer.progress import progress
from nliexplorer.store.computed_columns import EXAMPLE_FACTS, set_all, set_example_facts
from nliexplorer.store.functions import add_functions
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


@migrations()
def m004_example_facts(db: Database) -> None:
    """What filters look up of a pair is stored with it; windows have indexes."""
    connection = db.conn
    if connection.execute("pragma user_version").fetchone()[0] >= 4:
        return
    there = {row[1] for row in connection.execute("pragma table_info(examples)")}
    for name, fact in EXAMPLE_FACTS.items():
        if name not in there:
            connection.execute(f"alter table examples add column {name} {fact.type}")
    connection.execute("drop index predictions_truncated")  # it had only pairs that were cut
    _create_indexes(connection, "examples")
    _create_indexes(connection, "predictions")
    add_functions(connection)
    with progress("upgrading the database", "pairs") as advance:
        set_example_facts(connection, advance)
    connection.execute("pragma user_version = 4")


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
    _create_indexes(connection, table)


def _create_indexes(connection: sqlite3.Connection, table: str) -> None:
    """Those of the table that are not there."""
    for statement in map(_bare, statements(TABLES)):
        if re.match(rf"create (unique )?index \w+ on {table} ", statement):
            connection.execute(statement.replace(" index ", " index if not exists ", 1))


def _statement(kind: str, name: str) -> str:
    [statement] = [s for s in statements(TABLES) if _bare(s).startswith(f"create {kind} {name} ")]
    return statement


def _bare(statement: str) -> str:
    """Without the comments before it."""
    return re.sub(r"\A(--[^\n]*\n\s*)*", "", statement)
