"""Integrity checks of a database, for `doctor`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from nliexplorer.store.connection import open_reader, sqlite_errors

_SHOWN = 3  # of SQLite's own complaints

#: (what is wrong, query that counts it)
_RULES = (
    (
        "{} evaluations lack predictions that they were finished with",
        "select count(*) from evaluations v where complete and n <> "
        "(select count(*) from predictions p where p.evaluation_id = v.id)",
    ),
    (
        "{} predictions contradict the gold label or length of their pair",
        "select count(*) from predictions p join examples x on x.id = p.example_id "
        "where p.gold <> x.gold or p.length <> x.length",
    ),
    (
        "{} pairs are missing from the text search",
        "select (select count(*) from examples) - (select count(*) from examples_fts_docsize)",
    ),
    (
        "{} pairs lack what filters look up",
        "select count(*) from examples where overlap is null",
    ),
    (
        "{} attributions cannot be read",
        "select count(*) from attributions where not json_valid(tokens) "
        "or not json_valid(scores) or json_array_length(tokens) <> json_array_length(scores)",
    ),
)


def check_database(path: str | Path) -> list[str]:
    """Every fault in words; empty for a sound database. NliError where it can't be opened."""
    with sqlite_errors(path), closing(open_reader(path)) as connection:
        faults = _length(connection, Path(path)) or _structure(connection)
        return faults or _contents(connection)


def _length(connection: sqlite3.Connection, path: Path) -> list[str]:
    """SQLite reads a page that is cut off as zeros, and may not notice."""
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists() and wal.stat().st_size:
        return []  # the file may be shorter than the database
    pages, size = (connection.execute(f"pragma page_{x}").fetchone()[0] for x in ("count", "size"))
    missing = pages * size - path.stat().st_size
    return [f"truncated: {missing:,} bytes are missing at its end"] if missing > 0 else []


def _structure(connection: sqlite3.Connection) -> list[str]:
    try:
        report = [row[0] for row in connection.execute("pragma integrity_check(20)")]
    except sqlite3.DatabaseError as error:
        return [f"damaged: {error}"]
    faults = [] if report == ["ok"] else [" ".join(str(line).split()) for line in report]
    if len(faults) > _SHOWN:
        faults = [*faults[:_SHOWN], f"and {len(faults) - _SHOWN} more of this kind"]
    return faults


def _contents(connection: sqlite3.Connection) -> list[str]:
    try:
        faults = []
        orphans = connection.execute("select count(*) from pragma_foreign_key_check").fetchone()[0]
        if orphans:
            faults.append(f"{orphans} rows refer to a run or pair that no longer exists")
        for text, query in _RULES:
            count = connection.execute(query).fetchone()[0]
            if count:
                faults.append(text.format(count))
        return faults
    except sqlite3.DatabaseError as error:
        return [f"damaged: {error}"]
