"""Parquet: every column whose type has a plain Python value; the others are left unread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from nliexplorer.data.labels import class_label_names
from nliexplorer.data.tabular.table import RawRow, RawTable
from nliexplorer.errors import NliError

_BATCH = 1000
_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError)


def open_parquet(path: Path, where: str, size: int) -> RawTable:
    """A Parquet file as raw rows. Raises NliError where it is damaged or names a column twice."""
    try:
        schema = pq.read_schema(path)
    except _ERRORS as error:
        raise _damaged(where, error) from None
    doubled = [name for name in schema.names if schema.names.count(name) > 1]
    if doubled:
        raise NliError(f"{where}: column {doubled[0]!r} occurs twice", "rename one of them")
    readable = [field.name for field in schema if _plain(field.type)]
    unread = [f"{field.name} ({field.type})"[:60] for field in schema if not _plain(field.type)]

    def rows() -> Iterator[RawRow]:
        number = 0
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_BATCH, columns=readable):
                    for row in batch.to_pylist():
                        number += 1
                        yield number, row
        except _ERRORS as error:
            raise _damaged(where, error) from None

    notes = (f"columns left unread: {', '.join(unread)}",) if unread else ()
    return RawTable(rows, where, _class_names(schema), size, unit="row", notes=notes)


def _plain(kind: Any) -> bool:
    """Whether cells of an Arrow type become text, numbers, or lists and objects of them."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _plain(kind.value_type)
    if pa.types.is_struct(kind):
        return all(_plain(field.type) for field in kind)
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def _class_names(schema: Any) -> tuple[str, ...]:
    """The label names that `datasets` describes in a file's metadata."""
    try:
        about = json.loads((schema.metadata or {})[b"huggingface"])
        return class_label_names(about["info"]["features"])
    except (KeyError, ValueError, TypeError):
        return ()


def _damaged(where: str, error: Exception) -> NliError:
    first_line = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return NliError(f"{where} is not a sound Parquet file: {first_line}", "fetch it again")
