"""File readers: JSONL, JSON array, CSV, TSV and Parquet, plain or gzipped, to numbered raw rows.

A row that cannot be read comes out as its reason, so that nothing is skipped in silence; a file
that cannot be read at all raises NliError. Text is UTF-8 (with or without BOM) or UTF-16/32 with
BOM; CSV is RFC 4180; in TSV one line is one row, and quotes are unwrapped only where they were
added by a CSV writer.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from nliexplorer.data.labels import label_word
from nliexplorer.errors import NliError

#: A row's line (or, in Parquet, row) number from 1, and its fields or what is wrong with it.
RawRow = tuple[int, dict[str, Any] | str]

FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "tsv",
    ".parquet": "parquet",
}
NOT_UTF8, NOT_JSON, NOT_OBJECT = "not UTF-8", "not JSON", "not a JSON object"
COLUMNS, QUOTES = "wrong number of columns", "broken quotes"
_MAX_FIELD = 1 << 26
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True)
class RawTable:
    """Raw rows that can be read again and again, and what their source says of the labels."""

    rows: Callable[[], Iterator[RawRow]]
    where: str
    label_names: tuple[str, ...] = ()  # of a ClassLabel: position = number
    size: int = 0  # bytes on disk: decides whether the built table is cached
    key: Callable[[], str] | None = None  # content key for the cache


def file_format(path: Path) -> str | None:
    """The format a file's name declares; None where it declares none we read."""
    name = path.name.lower().removesuffix(".gz")
    return FORMATS.get(os.path.splitext(name)[1])


def open_file(path: Path) -> RawTable:
    """A data file as raw rows. Raises NliError where it is missing, empty or unreadable."""
    kind = file_format(path)
    if kind is None:
        raise NliError(
            f"{path}: not a format this program reads", f"it reads {', '.join(sorted(FORMATS))}"
        )
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise NliError(f"{path} is not a file", "name a data file or a folder of them")
    except OSError as error:
        raise cannot_read(path, error) from None
    if size == 0:
        raise NliError(f"{path} is empty", "was the download or export cut off?")
    if kind == "parquet":
        return _parquet(path, size)
    readers = {"jsonl": _jsonl, "csv": _csv, "tsv": _tsv}
    return RawTable(lambda: _guarded(path, readers[kind]), str(path), size=size)


def cannot_read(path: Path, error: OSError) -> NliError:
    """One line for a file that is missing, or that may not be read."""
    if isinstance(error, FileNotFoundError):
        return NliError(f"no such file or folder: {path}", "check the path")
    return NliError(f"cannot read {path}: {error.strerror or error}", "check its permissions")


def _guarded(path: Path, reader: Callable[[IO[str], Path], Iterator[RawRow]]) -> Iterator[RawRow]:
    try:
        with _open_text(path) as stream:
            yield from reader(stream, path)
    except UnicodeError as error:
        raise NliError(f"{path}: broken text encoding: {error}", "save it as UTF-8") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise NliError(f"{path} is a damaged gzip file: {error}", "fetch it again") from None
    except OSError as error:
        raise cannot_read(path, error) from None


@contextmanager
def _open_text(path: Path) -> Iterator[IO[str]]:
    """Undecodable bytes become lone surrogates, which the row check then names."""
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    with opener(path, "rb") as raw:
        head = raw.read(4096)
        raw.seek(0)
        encoding = next((name for bom, name in _BOMS if head.startswith(bom)), "utf-8")
        if encoding == "utf-8" and head.count(b"\0") * 4 > len(head):
            raise NliError(f"{path} is not UTF-8 text", "save it as UTF-8 (it may be UTF-16)")
        errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
        with io.TextIOWrapper(raw, encoding, errors=errors, newline="\n") as stream:
            yield stream


def escaped(text: str) -> bool:
    """Whether `surrogateescape` had to stand in for a byte that is not UTF-8."""
    return any("\udc80" <= char <= "\udcff" for char in text)


def _jsonl(stream: IO[str], path: Path) -> Iterator[RawRow]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        if number == 1 and line.lstrip().startswith("["):
            yield from _json_array(line + stream.read(), path)
            return
        if not line.isascii() and escaped(line):
            yield number, NOT_UTF8
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            yield number, NOT_JSON
            continue
        yield number, value if isinstance(value, dict) else NOT_OBJECT


def _json_array(text: str, path: Path) -> Iterator[RawRow]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NliError(f"{path} is not JSON: {error}", "write one JSON object a line") from None
    for number, value in enumerate(values, 1):
        yield number, value if isinstance(value, dict) else NOT_OBJECT


def _csv(stream: IO[str], path: Path) -> Iterator[RawRow]:
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.reader(stream, strict=True)
    header: list[str] | None = None
    while True:
        first = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if header is None or (_unclosed(error) and reader.line_num > first):
                raise NliError(
                    f"{path}:{first}: {error}", "a quote is never closed, or this is not CSV"
                ) from None
            yield first, QUOTES
            continue
        if header is None:
            header = _header(cells, path)
        elif cells:
            yield first, _record(header, cells)


def _unclosed(error: csv.Error) -> bool:
    return "unexpected end of data" in str(error)


def _tsv(stream: IO[str], path: Path) -> Iterator[RawRow]:
    header: list[str] | None = None
    all_quoted = False
    for number, line in enumerate(stream, 1):
        text = line.rstrip("\r\n")
        if not text:
            continue
        cells = text.split("\t")
        if header is None:
            all_quoted = all(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells)
            header = _header([_unquoted(cell, all_quoted) for cell in cells], path)
        else:
            yield number, _record(header, [_unquoted(cell, all_quoted) for cell in cells])


def _unquoted(cell: str, all_quoted: bool) -> str:
    """Undo a CSV writer's quotes; a speaker's own quotes (SNLI, GLUE: unquoted TSV) stay."""
    if len(cell) < 2 or not cell[0] == cell[-1] == '"':
        return cell
    inner = cell[1:-1]
    plain = inner.replace('""', "")
    return inner.replace('""', '"') if '"' not in plain and (all_quoted or plain != inner) else cell


def _header(cells: list[str], path: Path) -> list[str]:
    header = [cell.strip() for cell in cells]
    doubled = {name for name in header if header.count(name) > 1 and name}
    if doubled:
        raise NliError(f"{path}: column {sorted(doubled)[0]!r} stands twice", "rename one of them")
    return header


def _record(header: list[str], cells: list[str]) -> dict[str, Any] | str:
    return dict(zip(header, cells, strict=True)) if len(cells) == len(header) else COLUMNS


def _parquet(path: Path, size: int) -> RawTable:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features

    def damaged(error: Exception) -> NliError:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        return NliError(f"{path} is not a sound Parquet file: {first_line}", "fetch it again")

    def rows() -> Iterator[RawRow]:
        number = 0
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(1000):
                    for row in batch.to_pylist():
                        number += 1
                        yield number, row
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            raise damaged(error) from None

    try:
        schema = pq.read_schema(path)
        doubled = [name for name in schema.names if schema.names.count(name) > 1]
        features = {} if doubled else Features.from_arrow_schema(schema)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        raise damaged(error) from None
    if doubled:
        raise NliError(f"{path}: column {doubled[0]!r} stands twice", "rename one of them")
    return RawTable(rows, str(path), class_names(features), size)


def class_names(features: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a table's ClassLabel that names NLI classes; () where there is none."""
    from datasets import ClassLabel

    names = (tuple(f.names) for f in features.values() if isinstance(f, ClassLabel))
    return next((n for n in names if any(label_word(name) is not None for name in n)), ())
