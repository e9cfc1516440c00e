"""Columns of a row that nothing else reads, as JSON values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

#: Prefix of such a column's name in filters, slices and exports.
PREFIX = "meta."
#: A longer value (a document, a matrix) is not kept: it would be stored with every pair.
LONGEST = 10_000
_PARSE_TREE = re.compile(r"sentence[12]_(?:binary_)?parse")  # of SNLI and MultiNLI: 5 x the text
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(\.\d{1,15})?")
_NUMBER_START = frozenset("-0123456789")


def metadata(row: Mapping[str, Any], used: Collection[str]) -> dict[str, Any]:
    """The cells of a row by column name, without `used` columns, empty cells and NaN.

    The fields of a nested object are columns by their own names, as `outer.inner` where those are
    taken; numbers written as text are numbers.
    """
    columns: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or value == "" or name in used:
            continue
        if isinstance(value, Mapping):
            for inner, each in value.items():
                if (whole := f"{name}.{inner}") not in used:
                    taken = inner in row or inner in columns or inner in used
                    _keep(columns, whole if taken else inner, each, used)
        else:
            _keep(columns, name, value, used)
    return columns


def _keep(columns: dict[str, Any], name: str, value: Any, used: Collection[str]) -> None:
    if isinstance(value, str):
        if not value or len(value) > LONGEST or not _encodable(value):
            return
        if value[0] in _NUMBER_START and (number := _NUMBER.fullmatch(value)):
            value = float(value) if number[1] else int(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            return
    elif value is None or not isinstance(value, bool | int):
        value = _json_value(value)
        if value is None:
            return
    if name not in used and _is_name(name):
        columns[name.removeprefix(PREFIX)] = value


def _json_value(value: Any) -> Any:
    """A list, an object, or what Parquet has beside (dates as text); None where it is too long."""
    if isinstance(value, bytes):
        return None
    try:
        text = json.dumps(value, allow_nan=False, default=str)
    except (ValueError, TypeError, RecursionError):
        return None
    return json.loads(text) if len(text) <= LONGEST and _encodable(json.loads(text)) else None


def _is_name(name: str) -> bool:
    return (
        bool(name)
        and not name.startswith("Unnamed:")  # the index that pandas wrote
        and not _PARSE_TREE.fullmatch(name)
        and _encodable(name)
    )


def _encodable(value: Any) -> bool:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
