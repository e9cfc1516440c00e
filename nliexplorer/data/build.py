"""Raw table -> LoadedSplit; large ones are built on disk once and memory-mapped from then on.

The cache lies at <HF datasets cache>/nliexplorer/<content key>.arrow, with <key>.json beside it.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import datasets
import pyarrow as pa
from datasets.table import InMemoryTable

from nliexplorer.data.annotations import annotated
from nliexplorer.data.drops import Drops
from nliexplorer.data.fields import Fields, Statement, sample_rows
from nliexplorer.data.fingerprint import Fingerprint
from nliexplorer.data.labels import LabelKey
from nliexplorer.data.loaded_split import SCHEMA, LoadedSplit, batches_of
from nliexplorer.data.rows import clean_rows, read_labels, unread_note
from nliexplorer.data.tabular import RawTable
from nliexplorer.errors import NliError

logger = logging.getLogger(__name__)

#: Tables from sources larger than this many bytes are built on disk, once, beside the hub's cache.
CACHE_FROM = 8 << 20
_VERSION = 4  # of the building rules; part of the cache key


def build(
    source: str,
    split: str,
    raw: RawTable,
    declared: Mapping[LabelKey, int],
    stated: Statement,
) -> LoadedSplit:
    """Read, prove and clean a raw table. Raises NliError where no usable row is left."""
    key = _cache_key(raw, declared, stated)
    if key and (cached := _from_cache(source, split, key)):
        return cached
    names, rows = sample_rows(raw)
    fields = Fields.find(
        names,
        raw.where,
        stated=stated.columns,
        prefix=stated.prefix("").removesuffix("="),
        first=rows[0],
        unlabelled=annotated(names),
    )
    labels, notes = read_labels(raw, fields, declared, stated.labels, stated.prefix("labels"))
    drops, fingerprint = Drops(), Fingerprint()
    batches = batches_of(clean_rows(raw, fields, labels, drops), fingerprint)
    path = _write(batches, key) if key else None
    if path:
        table = datasets.Dataset.from_file(str(path))
    else:
        table = datasets.Dataset(InMemoryTable(pa.Table.from_batches(batches, SCHEMA)))
    _refuse_unusable(raw.where, len(table), drops)
    loaded = LoadedSplit(
        source,
        split,
        table,
        drops.counts,
        fingerprint.hexdigest(),
        {reason: tuple(numbers) for reason, numbers in drops.lines.items()},
        labels.basis,
        (*raw.notes, *filter(None, (*notes, unread_note(names, fields)))),
    )
    if path:
        _describe(path, loaded)
    return loaded


def _refuse_unusable(where: str, usable: int, drops: Drops) -> None:
    if not usable:
        hint = (
            "check its fields" if drops.malformed else "its labels are withheld: use another split"
        )
        raise NliError(f"{where}: no usable pair ({drops.describe()})", hint)
    if drops.malformed > usable:
        raise NliError(
            f"{where}: more rows are broken than usable ({usable} sound; {drops.describe()})",
            "check its format",
        )


def cache_folder() -> Path:
    """Where large tables are kept: inside the cache that HF_HOME / HF_DATASETS_CACHE name."""
    return Path(datasets.config.HF_DATASETS_CACHE) / "nliexplorer"


def _cache_key(raw: RawTable, declared: Mapping[LabelKey, int], stated: Statement) -> str:
    if raw.key is None or raw.size < CACHE_FROM:
        return ""
    parts = [_VERSION, raw.key(), sorted(map(str, declared.items()))]
    parts.append(stated.key())
    fingerprint = Fingerprint()
    fingerprint.add(json.dumps(parts), "", 0)
    return fingerprint.hexdigest()


def _from_cache(source: str, split: str, key: str) -> LoadedSplit | None:
    path = cache_folder() / f"{key}.arrow"
    try:
        about = json.loads(path.with_suffix(".json").read_text("utf-8"))
        if about["bytes"] != path.stat().st_size:
            return None
        rows = datasets.Dataset.from_file(str(path))
        lines = {reason: tuple(numbers) for reason, numbers in about["dropped_lines"].items()}
        return LoadedSplit(
            source,
            split,
            rows,
            about["dropped"],
            about["fingerprint"],
            lines,
            about["label_basis"],
            tuple(about["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        return None  # missing or damaged: built again


def _write(batches: Iterator[pa.RecordBatch], key: str) -> Path | None:
    """Write the table whole, then move it into place; None where the cache cannot be written."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=".part", dir=folder)
    except OSError as error:
        logger.warning("cannot write the cache %s (%s): building in memory", folder, error)
        return None
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream, pa.ipc.new_stream(stream, SCHEMA) as writer:
            for batch in batches:
                writer.write_batch(batch)
        path = folder / f"{key}.arrow"
        part.replace(path)
    except OSError as error:
        raise NliError(
            f"cannot write the data cache {folder}: {error.strerror or error}",
            "free some space, or let HF_DATASETS_CACHE name another folder",
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return path


def _describe(path: Path, loaded: LoadedSplit) -> None:
    about = {
        "bytes": path.stat().st_size,
        "dropped": dict(loaded.dropped),
        "dropped_lines": {reason: list(lines) for reason, lines in loaded.dropped_lines.items()},
        "fingerprint": loaded.fingerprint,
        "label_basis": loaded.label_basis,
        "notes": list(loaded.notes),
    }
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(about), "utf-8")
    part.replace(path.with_suffix(".json"))
