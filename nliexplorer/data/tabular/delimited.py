"""Delimited text: which dialect a file is in, and its rows, complete or not at all.

Files with commas, semicolons or pipes follow RFC 4180: a cell may be quoted and then hold line
breaks. Tab-separated files come in two kinds, and one file may mix them: written by a CSV writer
(pandas, Excel), where quotes are syntax, or plain (SNLI, GLUE), where a line is a row and a quote
is text, balanced or not. A quote there counts as syntax only if reading it so gives exactly the
header's number of columns without swallowing a tab; see `tab_records`.

The delimiter is the one under which the header names most of the columns that this program knows
and the rows have the header's width. `csv.Sniffer` looks at character frequencies alone and takes
sentences with many commas for tables.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

from nliexplorer.data.tabular.columns import TEXT_ROLES, role_of
from nliexplorer.data.tabular.table import (
    COLUMNS,
    FRAGMENT,
    QUOTES,
    RawRow,
    TableOptions,
)
from nliexplorer.errors import NliError

NAMES = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "pipes"}
_MAX_FIELD = 1 << 26
_HEAD_LINES, _HEAD_CHARS = 200, 1 << 17
_CELL_LINES = 1000  # line breaks that one quoted cell of a plain TSV may hold
#: A record's first line from 1, and its cells or what is wrong with it.
_Record = tuple[int, list[str] | str]
csv.field_size_limit(_MAX_FIELD)


@dataclass(frozen=True)
class Dialect:
    """How cells are separated. `tabular_lines`: plain TSV, see the module's docstring."""

    delimiter: str = ","
    escape: str | None = None  # a backslash before quotes inside a cell
    padded: bool = False  # a space after each delimiter
    tabular_lines: bool = False
    skip: int = 0  # lines before the header (Excel's `sep=;`)

    def reader(self, lines: Any) -> Any:
        """A strict `csv.reader` of this dialect."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            escapechar=self.escape,
            skipinitialspace=self.padded,
            strict=True,
        )


def sniff(stream: IO[str], usual: str, options: TableOptions) -> Dialect:
    """The dialect of a text, from its first lines; `usual` is its suffix's delimiter."""
    lines = _head(stream)
    skip = 0
    if lines and (declared := re.fullmatch(r'"?sep=(.)"?\s*', lines[0])):
        return _completed(Dialect(declared.group(1), skip=1), lines[1:])
    candidates = [usual, *(d for d in NAMES if d != usual)]
    dialects = [_completed(Dialect(delimiter, skip=skip), lines) for delimiter in candidates]
    return max(dialects, key=lambda each: _fit(each, lines, options))  # the first of equals


def _head(stream: IO[str]) -> list[str]:
    lines: list[str] = []
    size = 0
    for line in islice(stream, _HEAD_LINES):
        lines.append(line)
        size += len(line)
        if size > _HEAD_CHARS:
            break
    return lines


def _completed(dialect: Dialect, lines: Sequence[str]) -> Dialect:
    """With the properties that the first lines show."""
    cells = lines[0].rstrip("\r\n").split(dialect.delimiter) if lines else []
    all_quoted = all(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells)
    padded = len(cells) > 1 and all(cell.startswith(" ") for cell in cells[1:])
    dialect = replace(
        dialect, padded=padded, tabular_lines=dialect.delimiter == "\t" and not all_quoted
    )
    if dialect.tabular_lines or not any('\\"' in line for line in lines):
        return dialect
    escaping = replace(dialect, escape="\\")
    return max((dialect, escaping), key=lambda each: _sound(each, lines))


def _sound(dialect: Dialect, lines: Sequence[str]) -> int:
    """How many records of the first lines have the header's width."""
    records = [cells for _, cells in quoted_records(iter(lines), dialect, None)]
    width = len(records[0]) if records else 0
    return sum(isinstance(cells, list) and len(cells) == width for cells in records)


def _fit(dialect: Dialect, lines: Sequence[str], options: TableOptions) -> tuple[int, float, int]:
    """(known columns, share of records of the header's width, its width), larger is likelier."""
    lines = lines[dialect.skip :]
    if dialect.tabular_lines:
        records: list[Any] = [line.rstrip("\r\n").split("\t") for line in lines if line.strip()]
    else:
        records = [cells for _, cells in quoted_records(iter(lines), dialect, None)]
    header = options.columns or (records[0] if records and isinstance(records[0], list) else ())
    rows = records if options.columns else records[1:]
    if len(header) < 2:
        return 0, 0.0, 0
    known = len({role for name in header if (role := role_of(name))} - {""})
    known += len({*options.texts} & {*header})
    same = sum(isinstance(cells, list) and len(cells) == len(header) for cells in rows)
    return known, round(same / max(len(rows), 1), 1), len(header)


def read_delimited(
    stream: IO[str], path: Path, dialect: Dialect, options: TableOptions
) -> Iterator[RawRow]:
    """The rows by column name. Raises NliError where a quote is never closed, or a column that is
    needed occurs twice.
    """
    lines = iter(stream)
    for _ in range(dialect.skip):
        next(lines, None)
    header = list(options.columns)
    if dialect.tabular_lines:
        numbered = enumerate(lines, 1 + dialect.skip)
        if not header:
            first = next((line for _, line in numbered if line.strip()), None)
            if first is None:
                return
            header = _header([_unquoted(c) for c in first.rstrip("\r\n").split("\t")], path)
        records = tab_records(numbered, dialect, len(header))
    else:
        records = quoted_records(lines, dialect, path)
        if not header:
            for number, cells in records:
                if isinstance(cells, str):
                    raise NliError(
                        f"{path}, line {number}: the header has {cells}",
                        "a quote is never closed, or this is not CSV",
                    )
                header = _header(cells, path)
                break
    breaks = [role_of(name) in TEXT_ROLES or name in options.texts for name in header]
    for number, cells in without_fragments(records, len(header), breaks):
        if isinstance(cells, str):
            yield number, cells
        elif len(cells) != len(header):
            yield number, COLUMNS
        else:
            yield number, dict(zip(header, cells, strict=True))


def _header(cells: list[str], path: Path) -> list[str]:
    header = [cell.strip() for cell in cells]
    doubled = {name for name in header if header.count(name) > 1 and name}
    if doubled:
        raise NliError(f"{path}: column {sorted(doubled)[0]!r} occurs twice", "rename one of them")
    return header


def without_fragments(
    records: Iterator[_Record], width: int, breaks: Sequence[bool]
) -> Iterator[_Record]:
    """Where a writer left a line break in a text unquoted, neither half passes as a row.

    The halves of a break in the first column are a line of one cell and a line that looks whole;
    in the last column the other way round. `breaks[i]`: column i holds a sentence that is read.
    """
    first, last = bool(breaks) and breaks[0], bool(breaks) and breaks[-1]
    held: _Record | None = None
    after_one_cell = False
    for number, cells in records:
        one_cell = isinstance(cells, list) and len(cells) == 1 and width > 1
        if held is not None:
            yield (held[0], FRAGMENT) if one_cell else held
            held = None
        if after_one_cell and first and len(cells) == width and isinstance(cells, list):
            yield number, FRAGMENT
        elif last and isinstance(cells, list) and len(cells) == width:
            held = number, cells
        else:
            yield number, cells
        after_one_cell = one_cell
    if held is not None:
        yield held


class _Tap:
    """Lines on their way to a `csv.reader`; `taken` has those of the current record."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.taken: list[str] = []

    def __iter__(self) -> _Tap:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        return line


def quoted_records(lines: Iterator[str], dialect: Dialect, path: Path | None) -> Iterator[_Record]:
    """Records by RFC 4180. Raises NliError (without `path`: stops) at a quote never closed.

    After a record with broken quotes, lines with a quote that opens nothing are its rest.
    """
    tap = _Tap(lines)
    reader = dialect.reader(tap)
    clean = _clean_record(dialect.delimiter)
    broken = False
    number = 0
    while True:
        first = reader.line_num + 1 + dialect.skip
        tap.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end of data" in str(error) and len(tap.taken) > 1:
                if path is None:
                    return
                raise NliError(
                    f"{path}, line {first}: a quote is never closed",
                    "close it, or double it if it belongs to the text",
                ) from None
            yield first, QUOTES
            broken = True
            continue
        if broken:
            broken = not clean.fullmatch("".join(tap.taken).rstrip("\r\n"))
            if broken:
                yield first, FRAGMENT
                continue
        if cells:
            number += 1
            yield first, cells


def _clean_record(delimiter: str) -> re.Pattern[str]:
    cell = rf'(?:\s*"(?:[^"]|"")*"|[^"{re.escape(delimiter)}]*)'
    return re.compile(f"{cell}(?:{re.escape(delimiter)}{cell})*")


def tab_records(
    numbered: Iterator[tuple[int, str]], dialect: Dialect, width: int
) -> Iterator[_Record]:
    """Records of a TSV whose quotes are syntax in some cells and text in others.

    - A line of `width` cells is a row; an open quote in its last cell goes on over lines without
      a tab until it closes.
    - A shorter line whose last cell opens a quote goes on in the same way, if the tabs of all its
      lines together make `width` cells.
    - A longer line is a row if reading its quotes as syntax gives `width` cells.
    - What else a quote holds together is dropped as a whole.
    """
    ahead: deque[tuple[int, str]] = deque()
    while True:
        item = ahead.popleft() if ahead else next(numbered, None)
        if item is None:
            return
        number, line = item
        text = line.rstrip("\r\n")
        if not text:
            continue
        cells = text.split("\t")
        if '"' not in text:
            yield number, cells
        elif _opens(cells[-1]) and (rest := _continued(line, cells, numbered, ahead, width)):
            yield number, rest
        elif len(cells) == width:
            yield number, [_unquoted(cell) for cell in cells]
        elif (parsed := _parse([text], dialect)) and len(parsed) == width:
            yield number, parsed
        elif parsed is None and _drop_rest(line, numbered, ahead, dialect, width):
            yield number, QUOTES
        else:
            yield number, [_unquoted(cell) for cell in cells]


def _opens(cell: str) -> bool:
    """Whether a cell begins with a quote that is not closed within it."""
    return cell.startswith('"') and '"' not in cell[1:].replace('""', "")


def _parse(lines: list[str], dialect: Dialect) -> list[str] | None:
    """One record by RFC 4180; None where a quote is still open, [] where quotes are broken."""
    try:
        return next(replace(dialect, tabular_lines=False).reader(iter(lines)), [])
    except csv.Error as error:
        return None if "unexpected end" in str(error) else []


def _look_ahead(
    numbered: Iterator[tuple[int, str]], ahead: deque[tuple[int, str]]
) -> Iterator[str]:
    for index in range(_CELL_LINES):
        if index == len(ahead):
            item = next(numbered, None)
            if item is None:
                return
            ahead.append(item)
        yield ahead[index][1]


def _continued(
    line: str,
    cells: list[str],
    numbered: Iterator[tuple[int, str]],
    ahead: deque[tuple[int, str]],
    width: int,
) -> list[str]:
    """The whole record that `line` begins, its lines taken from `ahead`; [] where it is none."""
    tabs = len(cells) - 1
    record = [line.split("\t")[-1]]
    for taken, following in enumerate(_look_ahead(numbered, ahead), 1):
        tabs += following.count("\t")
        if tabs > width - 1:
            return []
        record.append(following)
        if '"' in following:
            parsed = _parse(record, Dialect("\t"))
            if parsed is not None:
                whole = [*map(_unquoted, cells[:-1]), *parsed]
                if len(whole) != width or not parsed:
                    return []
                for _ in range(taken):
                    ahead.popleft()
                return whole
    return []


def _drop_rest(
    line: str,
    numbered: Iterator[tuple[int, str]],
    ahead: deque[tuple[int, str]],
    dialect: Dialect,
    width: int,
) -> bool:
    """Drop the lines up to the one that closes the quote `line` opens; False where none does
    before a line that is a row of its own.
    """
    record = [line]
    for taken, following in enumerate(_look_ahead(numbered, ahead), 1):
        record.append(following)
        if '"' in following and _parse(record, dialect):
            for _ in range(taken):
                ahead.popleft()
            return True
        if following.count("\t") == width - 1:
            return False
    return False


def _unquoted(cell: str) -> str:
    """Undo a CSV writer's quotes; a speaker's own quotes stay."""
    if len(cell) < 2 or not cell[0] == cell[-1] == '"':
        return cell
    inner = cell[1:-1]
    plain = inner.replace('""', "")
    return inner.replace('""', '"') if '"' not in plain and plain != inner else cell
