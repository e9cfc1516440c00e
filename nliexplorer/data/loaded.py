"""LoadedSplit: a split as an Arrow table, in memory where small, memory-mapped where large."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
from datasets.table import InMemoryTable

from nliexplorer.data.files import RawTable
from nliexplorer.data.fingerprint import Fingerprint, rows_fingerprint
from nliexplorer.data.labels import LabelKey
from nliexplorer.data.rows import Drops, clean_rows, find_fields, prove_labels
from nliexplorer.errors import NliError
from nliexplorer.records import Example

logger = logging.getLogger(__name__)

SCHEMA = pa.schema(
    {
        "premise": pa.string(),
        "hypothesis": pa.string(),
        "label": pa.int8(),  # index into records.GOLD_NAMES
        "source_id": pa.string(),
        "annotator_labels": pa.list_(pa.int8()),
        "premise_rationale": pa.list_(pa.int32()),
        "hypothesis_rationale": pa.list_(pa.int32()),
        "artefact": pa.list_(pa.int32()),
        "extra": pa.string(),  # a JSON object, or ""
    }
)
_BATCH = 1000
#: Tables from sources larger than this many bytes are built on disk, once, beside the hub's cache.
CACHE_FROM = 8 << 20
_VERSION = 1  # of the building rules; part of the cache key


@dataclass(frozen=True)
class LoadedSplit:
    """The usable rows of one split, and what was dropped on the way.

    `rows` has the columns of SCHEMA. `dropped` counts by reason, `dropped_lines` has the first
    few line numbers of each. `fingerprint` is the content hash of premises, hypotheses and labels.
    """

    source: str
    split: str
    rows: datasets.Dataset
    dropped: Mapping[str, int]
    fingerprint: str
    dropped_lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        return to_example(self.rows[index])

    def __iter__(self) -> Iterator[Example]:
        for batch in self.rows.iter(_BATCH):
            for values in zip(*batch.values(), strict=True):
                yield to_example(dict(zip(batch, values, strict=True)))

    def examples(self) -> list[Example]:
        """Every row as a record: for small splits only."""
        return list(self)

    def select(self, n: int, seed: int = 0) -> LoadedSplit:
        """A random subset of `n` rows in their old order; all rows where there are not that many.

        The same everywhere for the same seed, and a smaller subset is part of every larger one.
        """
        if n >= len(self):
            return self
        chosen = np.sort(np.argsort(_mixed(len(self), seed), kind="stable")[:n])
        rows = self.rows.select(chosen.tolist())
        return replace(self, rows=rows, fingerprint=_fingerprint(rows))


def to_example(row: Mapping[str, Any]) -> Example:
    """One row of SCHEMA as a record."""
    return Example(
        premise=row["premise"],
        hypothesis=row["hypothesis"],
        label=row["label"],
        source_id=row["source_id"],
        annotator_labels=tuple(row["annotator_labels"]),
        premise_rationale=tuple(row["premise_rationale"]),
        hypothesis_rationale=tuple(row["hypothesis_rationale"]),
        artefact=tuple(row["artefact"]),
        extra=json.loads(row["extra"]) if row["extra"] else {},
    )


def from_examples(source: str, split: str, examples: Iterable[Example]) -> LoadedSplit:
    """A split of records made in this process, e.g. the built-in corpus."""
    rows = (
        {
            "premise": example.premise,
            "hypothesis": example.hypothesis,
            "label": example.label,
            "source_id": example.source_id,
            "annotator_labels": list(example.annotator_labels),
            "premise_rationale": list(example.premise_rationale),
            "hypothesis_rationale": list(example.hypothesis_rationale),
            "artefact": list(example.artefact),
            "extra": json.dumps(dict(example.extra), sort_keys=True) if example.extra else "",
        }
        for example in examples
    )
    fingerprint = Fingerprint()
    table = pa.Table.from_batches(_batches(rows, fingerprint), SCHEMA)
    return LoadedSplit(
        source, split, datasets.Dataset(InMemoryTable(table)), {}, fingerprint.hexdigest()
    )


def build(
    source: str,
    split: str,
    raw: RawTable,
    declared: Mapping[LabelKey, int],
    stated: Mapping[LabelKey, int],
) -> LoadedSplit:
    """Read, prove and clean a raw table. Raises NliError where no usable row is left."""
    key = _cache_key(raw, declared, stated)
    if key and (cached := _from_cache(source, split, key)):
        return cached
    fields = find_fields(raw)
    labels = prove_labels(raw, fields, declared, stated)
    drops, fingerprint = Drops(), Fingerprint()
    batches = _batches(clean_rows(raw, fields, labels, drops), fingerprint)
    path = _write(batches, key) if key else None
    if path:
        rows = datasets.Dataset.from_file(str(path))
    else:
        rows = datasets.Dataset(InMemoryTable(pa.Table.from_batches(batches, SCHEMA)))
    _refuse_unusable(raw.where, len(rows), drops)
    lines = {reason: tuple(numbers) for reason, numbers in drops.lines.items()}
    loaded = LoadedSplit(source, split, rows, drops.counts, fingerprint.hexdigest(), lines)
    if path:
        _describe(path, loaded)
    return loaded


def _refuse_unusable(where: str, usable: int, drops: Drops) -> None:
    if not usable:
        raise NliError(f"{where}: no usable pair ({drops.describe()})", "check its fields")
    if drops.malformed > usable:
        raise NliError(
            f"{where}: more rows are broken than sound ({usable} sound; {drops.describe()})",
            "check its format",
        )


def _batches(rows: Iterable[dict[str, Any]], fingerprint: Fingerprint) -> Iterator[pa.RecordBatch]:
    pending: list[dict[str, Any]] = []
    for row in rows:
        fingerprint.add(row["premise"], row["hypothesis"], row["label"])
        pending.append(row)
        if len(pending) == _BATCH:
            yield pa.RecordBatch.from_pylist(pending, SCHEMA)
            pending = []
    if pending:
        yield pa.RecordBatch.from_pylist(pending, SCHEMA)


def _fingerprint(rows: datasets.Dataset) -> str:
    columns = ["premise", "hypothesis", "label"]
    return rows_fingerprint(
        row
        for batch in rows.select_columns(columns).iter(_BATCH)
        for row in zip(*(batch[name] for name in columns), strict=True)
    )


def _mixed(n: int, seed: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """SplitMix64 of each row number: random ranks that depend on no library's generator."""
    with np.errstate(over="ignore"):
        step = np.uint64(0x9E3779B97F4A7C15)
        z = (np.arange(1, n + 1, dtype=np.uint64) + np.uint64(seed) * np.uint64(1 << 32)) * step
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


# --- the cache: <HF datasets cache>/nliexplorer/<key>.arrow with <key>.json beside it ---


def cache_folder() -> Path:
    """Where large tables are kept: inside the cache that HF_HOME / HF_DATASETS_CACHE name."""
    return Path(datasets.config.HF_DATASETS_CACHE) / "nliexplorer"


def _cache_key(
    raw: RawTable, declared: Mapping[LabelKey, int], stated: Mapping[LabelKey, int]
) -> str:
    if raw.key is None or raw.size < CACHE_FROM:
        return ""
    parts = [_VERSION, raw.key(), sorted(map(str, declared.items()))]
    parts.append(sorted(map(str, stated.items())))
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
        return LoadedSplit(source, split, rows, about["dropped"], about["fingerprint"], lines)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        return None  # not there, or damaged: built again


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
    }
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(about), "utf-8")
    part.replace(path.with_suffix(".json"))
