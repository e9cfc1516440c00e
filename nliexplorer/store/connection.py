"""Opening the database: what is refused, what is migrated, and how SQLite's errors are reported."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from nliexplorer.errors import NliError
from nliexplorer.progress import say
from nliexplorer.store.computed_columns import FACTS_VIEW
from nliexplorer.store.functions import FUNCTION_FAILED, add_functions
from nliexplorer.store.schema import APPLICATION_ID, SCHEMA_VERSION

#: The oldest schema that can be read as it is, where the file can't be upgraded.
_READABLE = 3
#: Files that this process could not upgrade: it does not try again at each connection.
_not_upgraded: set[Path] = set()
#: Memory that a writer may keep pages in, KiB: rows go to a place in each of a dozen indexes.
_WRITER_CACHE = 64 * 1024
#: How long SQLite waits for another writer, milliseconds.
BUSY_TIMEOUT = 30_000


class QueryInterruptedError(Exception):
    """A query was overtaken: `StoreReader.interrupt` was called while it ran."""


def now() -> str:
    """The time as the database keeps it: ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def open_reader(path: str | Path) -> sqlite3.Connection:
    """A read-only connection to an existing database, also where file or folder can't be written.

    An older schema is migrated first, with a backup beside it; where that fails, the last one is
    read as it is. Raises NliError for anything that is not a readable nliexplorer database.
    """
    path = Path(path)
    if not path.exists():
        raise NliError(
            f"there is no database {path}",
            "name one with --db, or make one: nliexplorer demo, train or import",
            "start",
        )
    connection, version = _checked(path)
    if version < SCHEMA_VERSION and path.absolute() not in _not_upgraded:
        connection.close()
        try:
            open_writer(path, create=False).close()
        except NliError as error:
            if version < _READABLE:
                raise
            _not_upgraded.add(path.absolute())
            say(f"{path}: not upgraded, some filters are slower: {error.message}")
        connection, version = _checked(path)
    if version == _READABLE:
        add_functions(connection)
        connection.execute(FACTS_VIEW)
    connection.row_factory = sqlite3.Row
    return connection


def open_writer(path: str | Path, *, create: bool = True) -> sqlite3.Connection:
    """A connection for writing: WAL, foreign keys, explicit transactions; the schema is current.

    A missing or empty file is made (unless `create` is False); an older schema is migrated after
    FILE.bak-TIMESTAMP was written; a newer or foreign file is refused untouched.
    """
    path = Path(path)
    version = 0
    if path.exists() and not _is_blank(path):
        connection, version = _checked(path)
        connection.close()
    elif not create:
        raise NliError(f"there is no database {path}", "name one with --db")
    elif not path.absolute().parent.is_dir():
        raise NliError(f"there is no folder {path.absolute().parent}", "make it first")
    with sqlite_errors(path):
        connection = _connect(f"{path.absolute().as_uri()}?mode=rwc")
        try:
            _use_wal(connection)
            if version < SCHEMA_VERSION:
                _migrate(connection, path)
            connection.execute(f"pragma cache_size = -{_WRITER_CACHE}")
        except BaseException:
            connection.close()
            raise
    connection.row_factory = sqlite3.Row
    return connection


@contextmanager
def sqlite_errors(path: str | Path) -> Iterator[None]:
    """Turns SQLite's errors into NliError: what is wrong with this file, and what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _told(error, path) from error
    except UnicodeDecodeError as error:  # in SQLite's own message about a damaged schema
        raise _told(sqlite3.DatabaseError("malformed database schema"), path) from error
    except UnicodeEncodeError as error:
        raise NliError(
            "the text is not Unicode: it holds half a surrogate pair", "fix the source's encoding"
        ) from error


def _told(error: sqlite3.DatabaseError, path: str | Path) -> Exception:
    text = str(error)
    if text == "interrupted":
        return QueryInterruptedError(text)
    for part, message, hint in (
        (FUNCTION_FAILED, "a regular expression of the filter takes too long", "make it simpler"),
        ("locked", f"{path} is busy: another process has been writing to it", "try again later"),
        ("full", f"the disk is full: {path} was not changed", "make room and try again"),
        ("disk I/O", f"{path} cannot be read or written: {text}", "check the disk and its quota"),
        ("readonly", f"{path} cannot be written", "check its permissions and its folder's"),
        ("unable to open", f"{path} cannot be opened", "check its permissions and its folder's"),
        ("malformed", f"{path} is damaged: {text}", "see: nliexplorer doctor"),
        ("not a database", f"{path} is not an SQLite database", "name another file with --db"),
        ("FOREIGN KEY", "the run or its evaluation was removed meanwhile", "start it again"),
        ("CHECK constraint", f"{path}: a value is out of range: {text}", "see: nliexplorer doctor"),
    ):
        if part in text:
            return NliError(message, hint)
    return NliError(f"{path}: {text}", "see: nliexplorer doctor")


def _connect(uri: str) -> sqlite3.Connection:
    """Autocommit mode: transactions are begun explicitly; see writing.base."""
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=BUSY_TIMEOUT / 1000,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma temp_store = memory")
    return connection


def _is_blank(path: Path) -> bool:
    return path.is_file() and path.stat().st_size == 0


def _checked(path: Path) -> tuple[sqlite3.Connection, int]:
    """A read-only connection and the schema version; refuses what is not ours or newer.

    SQLite alone may open the file: closing any other handle of it would drop this process's locks
    (POSIX), and a second process that closes then takes the -wal file away from under us, with
    everything written to it afterwards.
    """
    if not path.is_file():
        raise NliError(f"{path} is not a file", "name a database file with --db")
    if _is_blank(path):
        raise NliError(f"{path} is empty", "name another file with --db")
    with sqlite_errors(path):
        connection = _read_only(path)
        application = connection.execute("pragma application_id").fetchone()[0]
        version: int = connection.execute("pragma user_version").fetchone()[0]
        tables = connection.execute("select count(*) from sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (application or tables or version):
        connection.close()
        raise NliError(f"{path} is a database of another program", "name another file with --db")
    if version > SCHEMA_VERSION:
        connection.close()
        raise NliError(
            f"{path} was made by a newer nliexplorer (schema {version}, this one knows "
            f"{SCHEMA_VERSION})",
            "upgrade nliexplorer, or name another file with --db",
        )
    return connection, version


def _read_only(path: Path) -> sqlite3.Connection:
    """mode=ro; where WAL can't make its -shm file, the database file alone, as immutable."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = _connect(uri)
    try:
        connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if "locked" in str(error):
            raise
        connection = _connect(f"{uri}&immutable=1")
        connection.execute("select count(*) from sqlite_master").fetchone()
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switching needs the file for itself, and SQLite does not wait for that by itself."""
    deadline = time.monotonic() + BUSY_TIMEOUT / 1000
    while connection.execute("pragma journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("pragma journal_mode = wal")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("pragma synchronous = normal")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """All pending migrations in one transaction, so that two processes can start at once."""
    from sqlite_utils import Database  # takes half a second, needed by a migration only

    from nliexplorer.store import migrations

    database = Database(connection, execute_plugins=False)
    connection.execute("pragma foreign_keys = off")  # tables that others refer to are rebuilt
    connection.execute("pragma cache_size = -262144")  # KiB: whole indexes are built
    connection.execute("begin immediate")
    try:
        version = connection.execute("pragma user_version").fetchone()[0]
        if 0 < version < SCHEMA_VERSION:
            backup = _back_up(path)
            say(f"{path}: upgrading the schema; the old database is kept as {backup}")
        if version < SCHEMA_VERSION:
            migrations.migrations.apply(database)
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    finally:
        connection.execute("pragma foreign_keys = on")


def _back_up(path: Path) -> Path:
    """FILE.bak-TIMESTAMP, whole with what is still in the -wal file."""
    target = path.with_name(f"{path.name}.bak-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    partial = target.with_name(f"{target.name}.partial")
    with closing(_read_only(path)) as source, closing(sqlite3.connect(partial)) as copy:
        source.backup(copy)
    shutil.move(partial, target)
    return target
