"""LoadedSplit: a split as an Arrow table, in memory where small, memory-mapped where large."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
from datasets.table import InMemoryTable

from nliexplorer.data.drops import describe_drops
from nliexplorer.data.fingerprint import Fingerprint, rows_fingerprint
from nliexplorer.data.labels import Basis
from nliexplorer.errors import NliError
from nliexplorer.records import NON_ENTAILMENT, Example

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
BATCH = 1000


@contextmanager
def _no_bars() -> Iterator[None]:
    """Hide the library's progress bars for work of milliseconds."""
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


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
    label_basis: Basis = "words"  # what the meaning of its numbers rests on
    notes: tuple[str, ...] = ()  # what was detected or assumed in reading it

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        return to_example(self.rows[index])

    def __iter__(self) -> Iterator[Example]:
        for batch in self.rows.iter(BATCH):
            for values in zip(*batch.values(), strict=True):
                yield to_example(dict(zip(batch, values, strict=True)))

    def examples(self) -> list[Example]:
        """Every row as a record: for small splits only."""
        return list(self)

    def describe_dropped(self) -> str:
        """`no usable label: 16 (line 67, 202, …)`; "" where nothing was dropped."""
        return describe_drops(self.dropped, self.dropped_lines)

    @property
    def two_labels(self) -> bool:
        """Whether the gold labels are entailment and non-entailment."""
        with _no_bars():
            return NON_ENTAILMENT in self.rows.unique("label")

    def select(self, n: int, seed: int = 0) -> LoadedSplit:
        """A random subset of `n` rows in their original order; all rows if there are fewer.

        The same everywhere for the same seed, and a smaller subset is part of every larger one.
        """
        if n >= len(self):
            return self
        kept = np.sort(np.argsort(_mixed(len(self), seed), kind="stable")[:n])
        rows = self.rows.select(kept.tolist())
        return replace(self, rows=rows, fingerprint=_fingerprint(rows))

    def joined(self, other: LoadedSplit) -> LoadedSplit:
        """These rows, then those of `other`. Raises NliError where one has two labels only."""
        if self.two_labels != other.two_labels:
            raise NliError(
                f"{self.source} and {other.source} cannot be joined: one has only two labels",
                "join sets of the same labels",
            )
        with _no_bars():
            rows = datasets.concatenate_datasets([self.rows, other.rows])
        dropped = dict(Counter(self.dropped) + Counter(other.dropped))
        source = f"{self.source} + {other.source}"
        weaker = self if self.label_basis == "convention" else other
        return LoadedSplit(
            source,
            self.split,
            rows,
            dropped,
            _fingerprint(rows),
            label_basis=weaker.label_basis,
            notes=(*self.notes, *other.notes),
        )


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
    table = pa.Table.from_batches(batches_of(rows, fingerprint), SCHEMA)
    return LoadedSplit(
        source, split, datasets.Dataset(InMemoryTable(table)), {}, fingerprint.hexdigest()
    )


def batches_of(
    rows: Iterable[dict[str, Any]], fingerprint: Fingerprint
) -> Iterator[pa.RecordBatch]:
    """Clean rows in batches of SCHEMA; `fingerprint` takes them in on the way."""
    pending: list[dict[str, Any]] = []
    for row in rows:
        fingerprint.add(row["premise"], row["hypothesis"], row["label"])
        pending.append(row)
        if len(pending) == BATCH:
            yield pa.RecordBatch.from_pylist(pending, SCHEMA)
            pending = []
    if pending:
        yield pa.RecordBatch.from_pylist(pending, SCHEMA)


def _fingerprint(rows: datasets.Dataset) -> str:
    columns = ["premise", "hypothesis", "label"]
    return rows_fingerprint(
        row
        for batch in rows.select_columns(columns).iter(BATCH)
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
