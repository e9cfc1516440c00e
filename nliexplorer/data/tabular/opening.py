"""Which reader a file needs, by its name or, where that is not enough, by its content."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from nliexplorer.data.tabular.compression import (
    STDIN,
    SUFFIXES,
    compression,
    local_file,
    open_bytes,
    zip_member,
)
from nliexplorer.data.tabular.delimited import NAMES, read_delimited, sniff
from nliexplorer.data.tabular.encoding import open_text, text_encoding
from nliexplorer.data.tabular.json_rows import json_layout, read_json
from nliexplorer.data.tabular.table import RawRow, RawTable, TableOptions, cannot_read
from nliexplorer.errors import NliError

FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
}
_DELIMITER = {"csv": ",", "tsv": "\t"}


def file_format(path: Path) -> str | None:
    """The format a file's name declares (for a zip its file's); None where it declares none."""
    stem, suffix = os.path.splitext(path.name.lower())
    if suffix not in SUFFIXES:
        return FORMATS.get(suffix)
    kind = FORMATS.get(os.path.splitext(stem)[1])
    if kind is None and suffix == ".zip":
        try:
            kind = FORMATS.get(os.path.splitext(zip_member(path).lower())[1])
        except (NliError, OSError):
            return None
    return kind


def open_table(
    path: Path, format_: str | None = None, options: TableOptions | None = None
) -> RawTable:
    """A file, or `-` for standard input, as raw rows.

    Raises NliError where it is missing, empty, damaged, or in no format this program reads.
    """
    options = options or TableOptions()
    where = "standard input" if path == STDIN else str(path)
    try:
        file = local_file(path)
        size = file.stat().st_size
        if not file.is_file():
            raise NliError(f"{where} is not a file", "name a data file or a folder of them")
        if size == 0:
            raise NliError(f"{where} is empty", "was the download or export cut off?")
        kind = format_ or (_by_content(file) if path == STDIN else file_format(path))
        if kind is None or kind not in FORMATS.values():
            raise NliError(
                f"{where}: not a format this program reads",
                f"it reads {', '.join(sorted(FORMATS))}, also compressed: {', '.join(SUFFIXES)}",
            )
        if kind == "parquet":
            from nliexplorer.data.tabular.parquet import open_parquet

            return open_parquet(file, where, size)
        return _open_text_table(file, where, size, kind, options)
    except OSError as error:
        raise cannot_read(path, error) from None
    except ValueError as error:  # NUL in the path
        raise NliError(f"not a path: {where!r} ({error})", "check the path") from None


def _open_text_table(
    file: Path, where: str, size: int, kind: str, options: TableOptions
) -> RawTable:
    encoding, note = text_encoding(file, options.encoding)
    notes = [note] if note else []
    with open_text(file, encoding) as stream:
        if kind == "jsonl":
            layout = json_layout(stream)
            reader, unit = partial(read_json, path=Path(where), layout=layout), layout.unit
        else:
            usual = _DELIMITER[kind]
            dialect = sniff(stream, usual, options)
            reader = partial(read_delimited, path=Path(where), dialect=dialect, options=options)
            unit = "line"
            if dialect.delimiter != usual:
                between = NAMES.get(dialect.delimiter, repr(dialect.delimiter))
                notes.append(f"read with {between} between columns")

    def rows() -> Iterator[RawRow]:
        with open_text(file, encoding) as stream:
            yield from reader(stream)

    return RawTable(rows, where, size=size, unit=unit, notes=tuple(notes))


def _by_content(file: Path) -> str:
    """The format of standard input, which has no name."""
    if compression(file) == "" and file.read_bytes()[:4] == b"PAR1":
        return "parquet"
    with open_bytes(file) as stream:
        head = stream.read(4096)
    start = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start[:1] in (b"{", b"["):
        return "jsonl"
    first = start.split(b"\n", 1)[0]
    return "tsv" if b"\t" in first else "csv"
