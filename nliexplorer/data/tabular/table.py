"""What every reader returns: rows that can be read repeatedly, and why a row could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nliexplorer.errors import NliError

#: A row's line (in Parquet and JSON arrays: row) number from 1, and its fields or what is wrong.
RawRow = tuple[int, dict[str, Any] | str]

NOT_UTF8, NOT_JSON, NOT_OBJECT = "not UTF-8", "not JSON", "not a JSON object"
COLUMNS, QUOTES = "wrong number of columns", "broken quotes"
FRAGMENT = "part of a broken row"


@dataclass(frozen=True)
class TableOptions:
    """What the user states about a table: its encoding, and the columns of one without a header."""

    columns: tuple[str, ...] = ()
    encoding: str = ""
    texts: tuple[str, ...] = ()  # columns stated to hold premise and hypothesis


@dataclass(frozen=True)
class RawTable:
    """Raw rows that can be read repeatedly, and what their source declares about the labels."""

    rows: Callable[[], Iterator[RawRow]]
    where: str
    label_names: tuple[str, ...] = ()  # of a ClassLabel: position = number
    size: int = 0  # bytes on disk: decides whether the built table is cached
    key: Callable[[], str] | None = None  # content key for the cache
    unit: str = "line"  # what the row numbers count
    notes: tuple[str, ...] = ()  # what was detected: encoding, delimiter, columns left unread

    def at(self, number: int) -> str:
        """`dev.csv, line 7`: where a message points to."""
        return f"{self.where}, {self.unit} {number}"


def cannot_read(path: Path, error: OSError) -> NliError:
    """One line for a file that is missing, or that may not be read."""
    if isinstance(error, FileNotFoundError):
        return NliError(f"no such file or folder: {path}", "check the path")
    return NliError(f"cannot read {path}: {error.strerror or error}", "check its permissions")
