"""JSON as rows: one object a line, an array of objects, objects one after the other, or columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from nliexplorer.data.tabular.columns import role_of
from nliexplorer.data.tabular.encoding import escaped
from nliexplorer.data.tabular.table import NOT_JSON, NOT_OBJECT, NOT_UTF8, RawRow
from nliexplorer.errors import NliError

_CHUNK = 1 << 20
_UNREADABLE = (ValueError, RecursionError)
#: Keys under which exports wrap their list of rows.
_WRAPPERS = ("data", "rows", "examples", "instances", "predictions", "results")


@dataclass(frozen=True)
class Layout:
    """Lines of an object each, values of an array or in sequence, or one object of columns."""

    name: str
    unit: str


LINES, VALUES, COLUMN_WISE = (
    Layout("lines", "line"),
    Layout("values", "row"),
    Layout("columns", "row"),
)


def json_layout(stream: IO[str]) -> Layout:
    """How the rows of a JSON text are written, by its beginning (and the whole, if it is one
    object).
    """
    first = next((line for line in stream if line.strip()), "")
    start = first.lstrip("\ufeff \t\r\n")
    if start.startswith("["):
        return VALUES if _rows_begin(start, stream) else LINES
    if not start.startswith("{"):
        return LINES
    try:
        value = json.loads(first)
    except _UNREADABLE:
        # An object over several lines; where the first line is a broken row the next is whole.
        second = next(stream, "")
        return LINES if _is_object(second) else _multi_line(first + second, stream)
    one_line = not any(line.strip() for line in stream)
    return COLUMN_WISE if one_line and table_rows(value) is not None else LINES


def _rows_begin(start: str, stream: IO[str]) -> bool:
    """Whether an array's first element is an object (or there is none), not a number or text."""
    rest = start[1:].lstrip()
    while not rest and (line := next(stream, "")):
        rest = line.lstrip()
    return rest[:1] in ("{", "]", "")


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except _UNREADABLE:
        return False


def _multi_line(start: str, stream: IO[str]) -> Layout:
    more = stream.read(_CHUNK)
    text = start + more
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip("\ufeff \t\r\n"))
    except _UNREADABLE:
        # Columns of a large table do not end within the first megabyte.
        if len(more) == _CHUNK and not start.splitlines()[0].strip("\ufeff{ \t\r"):
            return COLUMN_WISE
        return LINES
    return COLUMN_WISE if table_rows(value) is not None else VALUES


def read_json(stream: IO[str], path: Path, layout: Layout) -> Iterator[RawRow]:
    """The rows of a JSON text. Raises NliError where an array or object of columns is broken."""
    if layout is LINES:
        yield from _lines(stream)
    elif layout is VALUES:
        for number, value in enumerate(_values(stream, path), 1):
            yield number, _row(value)
    else:
        try:
            rows = table_rows(json.loads(stream.read().lstrip("\ufeff")))
        except _UNREADABLE as error:
            raise _broken(path, error) from None
        if rows is None:
            raise NliError(f"{path} is one JSON object, not a table", "write one object per line")
        for number, value in enumerate(rows, 1):
            yield number, _row(value)


def _row(value: Any) -> dict[str, Any] | str:
    if not isinstance(value, dict):
        return NOT_OBJECT
    inner = value.get("row")  # as the hub's viewer serves rows
    return inner if "row_idx" in value and isinstance(inner, dict) else value


def _lines(stream: IO[str]) -> Iterator[RawRow]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        if not line.isascii() and escaped(line):
            yield number, NOT_UTF8
            continue
        try:
            value = json.loads(line)
        except _UNREADABLE:
            yield number, NOT_JSON
            continue
        yield number, value if isinstance(value, dict) else NOT_OBJECT


def _values(stream: IO[str], path: Path) -> Iterator[Any]:
    """The elements of an array, or values one after the other, without holding them all."""
    decoder = json.JSONDecoder()
    buffer, position, size = "", 0, _CHUNK
    depth = -1  # 1: inside the array, 0: a sequence of values
    while True:
        while position < len(buffer) and buffer[position] in " \t\r\n\ufeff" + "," * (depth == 1):
            position += 1
        if position < len(buffer):
            if depth == -1:
                depth = int(buffer[position] == "[")
                position += depth
                continue
            if depth == 1 and buffer[position] == "]":
                return
            try:
                value, end = decoder.raw_decode(buffer, position)
            except _UNREADABLE as error:
                failure: Exception = error
            else:
                if end < len(buffer) or isinstance(value, dict | list):
                    yield value
                    position = end
                    continue
                failure = ValueError("cut off")
        else:
            failure = ValueError("it ends within the array")
        more = stream.read(size)
        if not more:
            if position >= len(buffer) and depth != 1:
                return
            raise _broken(path, failure)
        buffer, position, size = buffer[position:] + more, 0, min(size * 2, 1 << 28)


def _broken(path: Path, error: Exception) -> NliError:
    about = error.msg if isinstance(error, json.JSONDecodeError) else str(error)[:100]
    if isinstance(error, RecursionError):
        about = "nested too deep"
    return NliError(f"{path} is not JSON: {about}", "write one JSON object per line")


def table_rows(value: Any) -> list[Any] | None:
    """Rows of one object that holds a table, None where it is a row itself.

    `{"premise": ["…"], …}`, pandas' `{"premise": {"0": "…"}, …}` and `{"columns": […], "data":
    […]}`, or a list of rows under a name such as `data`.
    """
    if not isinstance(value, dict) or not value:
        return None
    names, data = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(data, list):
        if not all(isinstance(row, list) and len(row) == len(names) for row in data):
            return None
        return [dict(zip(map(str, names), row, strict=True)) for row in data]
    for key in _WRAPPERS:
        rows = value.get(key)
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
            return rows
    columns = list(value.values())
    if all(isinstance(column, list) for column in columns):
        lengths = {len(column) for column in columns}
        if len(lengths) != 1:
            return None
        return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    if all(isinstance(column, Mapping) for column in columns):
        keys = dict.fromkeys(key for column in columns for key in column)
        if any(map(role_of, keys)) and not any(map(role_of, value)):
            return list(map(dict, columns))  # pandas' orient="index": a row under each name
        return [{name: column.get(key) for name, column in value.items()} for key in keys]
    return None
