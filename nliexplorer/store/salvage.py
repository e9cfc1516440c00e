"""Recovers the readable rows of a damaged database into a new file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from nliexplorer.errors import NliError
from nliexplorer.store.computed_columns import set_all, set_example_facts
from nliexplorer.store.connection import open_writer, sqlite_errors
from nliexplorer.store.functions import add_functions

# Parents first, so that rows without a parent can be dropped afterwards.
_TABLES = (
    "runs",
    "examples",
    "evaluations",
    "predictions",
    "answers",
    "steps",
    "validations",
    "attributions",
    "dynamics",
    "tags",
    "notes",
    "filters",
)
_WITHOUT_ROWID = ("steps", "validations", "dynamics", "tags", "filters")
_STRIDE = 64  # rows skipped where a page can't be read
_TRIES = 200_000


@dataclass(slots=True)
class SalvageReport:
    """Rows saved by table, and what is incomplete."""

    rows: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


def salvage(path: str | Path, out: str | Path) -> SalvageReport:
    """Copies every readable row of `path` to the new database `out`; `path` is only read.

    An evaluation that lost predictions is left out of the runs' results and named.
    """
    path, out = Path(path), Path(out)
    if out.exists():
        raise NliError(f"{out} exists", "name a new file")
    if not path.is_file():
        raise NliError(f"there is no database {path}", "name one with --db")
    report = SalvageReport()
    part = out.with_name(f"{out.name}.part")
    part.unlink(missing_ok=True)
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with (
        sqlite_errors(part),
        closing(sqlite3.connect(uri, uri=True)) as source,
        closing(open_writer(part)) as target,
    ):
        target.execute("pragma foreign_keys = off")
        target.execute("begin immediate")
        for table in _TABLES:
            report.rows[table] = _copy(source, target, table)
        _drop_what_hangs(target, report)
        set_all(target)
        add_functions(target)
        set_example_facts(target)
        target.execute("commit")
        target.execute("pragma wal_checkpoint(truncate)")
    if not report.rows["runs"]:
        part.unlink()
        raise NliError(f"{path}: no run can be read", "restore a copy of it")
    os.replace(part, out)
    return report


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> int:
    known = {row[1] for row in source.execute(f"pragma table_info({table})")}  # an older schema
    columns = [row[1] for row in target.execute(f"pragma table_info({table})") if row[1] in known]
    if not columns:
        return 0
    names = ", ".join(columns)
    insert = f"insert or ignore into {table} ({names}) values ({', '.join('?' * len(columns))})"
    for row in _readable(source, table, names):
        try:
            target.execute(insert, row)
        except (sqlite3.DatabaseError, UnicodeEncodeError):
            continue  # counted as lost by what it belonged to
    count: int = target.execute(f"select count(*) from {table}").fetchone()[0]
    return count


def _readable(source: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[object, ...]]:
    """Rows from the beginning until damage, then from the end, then between, page by page."""
    if table in _WITHOUT_ROWID:
        yield from _walk(source, f"select {names} from {table}")
        yield from _walk(source, f"select {names} from {table} order by 1 desc, 2 desc")
        return
    first = last = None
    for rowid, *row in _walk(source, f"select rowid, {names} from {table} order by rowid"):
        first = rowid
        yield tuple(row)
    for rowid, *row in _walk(source, f"select rowid, {names} from {table} order by rowid desc"):
        if first is not None and rowid == first:
            return
        last = rowid
        yield tuple(row)
    if not isinstance(first, int) or not isinstance(last, int):
        return
    sql = f"select rowid, {names} from {table} where rowid > ? and rowid < ? order by rowid"
    for _ in range(_TRIES):
        first += _STRIDE
        if first >= last:
            return
        for rowid, *row in _walk(source, sql, first, last):
            first = max(first, int(str(rowid)))
            yield tuple(row)


def _walk(
    source: sqlite3.Connection, sql: str, *parameters: object
) -> Iterator[tuple[object, ...]]:
    """Rows until the first that can't be read."""
    try:
        yield from source.execute(sql, parameters)
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return


def _drop_what_hangs(target: sqlite3.Connection, report: SalvageReport) -> None:
    for table, column, parent in (
        ("evaluations", "run_id", "runs"),
        ("predictions", "evaluation_id", "evaluations"),
        ("predictions", "example_id", "examples"),
        ("answers", "prediction_id", "predictions"),
        *((t, "run_id", "runs") for t in ("steps", "validations", "attributions", "dynamics")),
        *((t, "example_id", "examples") for t in ("attributions", "dynamics", "tags", "notes")),
    ):
        target.execute(f"delete from {table} where {column} not in (select id from {parent})")
    partial = target.execute(
        "select v.id, r.name, v.split, v.n, count(p.id) as left_of from evaluations v "
        "join runs r on r.id = v.run_id left join predictions p on p.evaluation_id = v.id "
        "where v.complete group by v.id having left_of <> v.n"
    ).fetchall()
    for row in partial:
        target.execute("update evaluations set complete = 0 where id = ?", (row["id"],))
        report.lost.append(
            f"{row['name']} on {row['split']}: {row['n'] - row['left_of']} of {row['n']} "
            "predictions; evaluate it again"
        )
    for table in _TABLES:
        count: int = target.execute(f"select count(*) from {table}").fetchone()[0]
        report.rows[table] = count
