"""Questions whose answers need arithmetic: comparison, calibration, slices. Run on threads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nliexplorer.analysis.calibration import Calibration, calibration_of
from nliexplorer.analysis.metrics import Confusion, confusion
from nliexplorer.analysis.outputs import Outputs, outputs
from nliexplorer.analysis.significance import Comparison, compare
from nliexplorer.analysis.slices import (
    Slice,
    SliceDifference,
    find_slices,
    slice_differences,
    slice_errors,
)
from nliexplorer.analysis.slicing import SliceTable, available_keys, group_by
from nliexplorer.errors import NliError
from nliexplorer.records import Run
from nliexplorer.store.reader import PredictionArrays, StoreReader
from nliexplorer.tui.queries import evaluation_of
from nliexplorer.tui.state import Ids, Selection


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Two runs on the pairs both predicted; `ids_a` number A's predictions."""

    comparison: Comparison
    confusions: tuple[Confusion, Confusion]
    a: Outputs
    b: Outputs
    ids_a: Ids


def outputs_of(arrays: PredictionArrays) -> Outputs:
    return outputs(
        arrays.gold,
        logits=arrays.logits,
        probabilities=arrays.probabilities,
        predicted=arrays.predicted,
        two_label=arrays.two_label,
    )


def compared(reader: StoreReader, chosen: Selection) -> Compared:
    """The comparison with intervals; bootstraps over pairs."""
    if not chosen.a or not chosen.b:
        raise NliError("two runs are needed here", "mark A and B on screen 1")
    here, there = (evaluation_of(reader, run, chosen) for run in chosen.runs)
    left, right, only_a, only_b = reader.predictions.paired(here, there)
    a, b = outputs_of(left), outputs_of(right)
    seconds = {
        name: (value_a, value_b)
        for name, value_a, value_b in (
            ("train_seconds", chosen.a.train_seconds, chosen.b.train_seconds),
            (
                "eval_seconds",
                chosen.a.metrics[here.split].eval_seconds,
                chosen.b.metrics[there.split].eval_seconds,
            ),
        )
        if value_a is not None or value_b is not None
    }
    comparison = compare(
        a,
        b,
        names=(chosen.a.name, chosen.b.name),
        split=chosen.split,
        left_out=(only_a, only_b),
        seconds=seconds,
    )
    return Compared(comparison, (confusion(a), confusion(b)), a, b, left.ids)


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """`sure`, `sure_wrong`: pairs answered with at least SURE, and those of them that are wrong."""

    run: Run
    result: Calibration | NliError
    sure: int = 0
    sure_wrong: int = 0


#: Confidence from which an error is a sure one.
SURE = 0.95


def calibrated(reader: StoreReader, chosen: Selection) -> list[Calibrated]:
    """Calibration of A and B, or why there is none."""
    found = []
    for run in chosen.runs:
        try:
            given = outputs_of(reader.predictions.arrays(evaluation_of(reader, run, chosen)))
            result = calibration_of(given)
            assert given.confidence is not None
            sure = given.confidence >= SURE
            wrong = int((sure & ~given.correct).sum())
            found.append(Calibrated(run, result, int(sure.sum()), wrong))
        except NliError as error:
            found.append(Calibrated(run, error))
    return found


#: Texts are read for slices by wording up to this many pairs; beyond, it would take too long.
WORDED_PAIRS = 200_000
SURPRISING = "surprising"


@dataclass(frozen=True, slots=True, eq=False)
class Sliced:
    """One way of cutting: rows of both runs, and which pairs each row holds."""

    key: str
    keys: tuple[str, ...]
    names: tuple[str, ...]
    n: tuple[int, ...]
    errors: tuple[tuple[Slice, ...], ...]  # A's rows, B's rows
    differences: tuple[SliceDifference | None, ...]
    members: tuple[Ids, ...]  # prediction ids of A


def slice_table(reader: StoreReader, chosen: Selection) -> tuple[SliceTable, PredictionArrays, Any]:
    """The table of A, A's arrays, and B's correctness on the same pairs or None."""
    assert chosen.a
    correct_b = None
    here = evaluation_of(reader, chosen.a, chosen)
    if chosen.b:
        there = evaluation_of(reader, chosen.b, chosen)
        left, right, _, _ = reader.predictions.paired(here, there)
        correct_b = right.correct
    else:
        left = reader.predictions.arrays(here)
    table = SliceTable(
        gold=left.gold,
        predicted=left.predicted,
        correct=left.correct,
        length=left.length,
        confidence=left.confidence,
        attribution=reader.attributions.shapes(chosen.a.id, left.example_ids),
        **_wording(reader, left),
    )
    return table, left, correct_b


def _wording(reader: StoreReader, arrays: PredictionArrays) -> dict[str, Any]:
    if len(arrays) > WORDED_PAIRS:
        return {}
    examples = reader.examples.by_id(arrays.example_ids)
    known: dict[str, Any] = {
        "premises": [example.premise for example in examples],
        "hypotheses": [example.hypothesis for example in examples],
    }
    if any(example.annotator_labels for example in examples):
        known["annotators"] = [example.annotator_labels for example in examples]
    names = sorted({name for example in examples for name in example.extra})
    columns = {name: [str(e.extra.get(name, "–")) for e in examples] for name in names}
    known["extra"] = {n: c for n, c in columns.items() if 1 < len(set(c)) <= 40}
    return known


def sliced(table: SliceTable, arrays: PredictionArrays, correct_b: Any, key: str) -> Sliced:
    """The slices of `key`, or with SURPRISING those where the runs differ most."""
    keys = available_keys(table)
    if key == SURPRISING:
        return _surprising(table, arrays, correct_b, keys)
    grouping = group_by(table, key)
    both = [table] if correct_b is None else [table, replace(table, correct=correct_b)]
    errors = tuple(slice_errors(each, key) for each in both)
    found = {} if correct_b is None else {
        row.slice: row for row in slice_differences(table, correct_b, [key])
    }  # fmt: skip
    return Sliced(
        key,
        keys,
        grouping.names,
        tuple(row.n for row in errors[0]),
        errors,
        tuple(found.get(name) for name in grouping.names),
        tuple(arrays.ids[grouping.index == i] for i in range(len(grouping.names))),
    )


def _surprising(
    table: SliceTable, arrays: PredictionArrays, correct_b: Any, keys: tuple[str, ...]
) -> Sliced:
    rows = find_slices(table, correct_b, keys=[key for key in keys if _sought(key)], limit=30)
    masks = []
    for row in rows:
        mask = np.ones(table.n, dtype=bool)
        names = row.slice.split(" & ") if " & " in row.key else [row.slice]
        for key, name in zip(row.key.split(" & "), names, strict=True):
            grouping = group_by(table, key)
            mask &= grouping.index == grouping.names.index(name)
        masks.append(mask)

    def errors(rate: str) -> tuple[Slice, ...]:
        return tuple(Slice(r.key, r.slice, r.n, getattr(r, rate), None, None) for r in rows)

    return Sliced(
        SURPRISING,
        keys,
        tuple(f"{_joined(r.key, r.slice)}" for r in rows),
        tuple(r.n for r in rows),
        (errors("error_a"), errors("error_b")),
        rows,
        tuple(arrays.ids[mask] for mask in masks),
    )


def _sought(key: str) -> bool:
    """Not A's own answers: where A was unsure, or was attributed because it was wrong, B looks
    better by chance; and lengths in equal counts alone."""
    return key not in ("predicted", "length", "confidence") and not key.startswith("attribution-")


def _joined(key: str, name: str) -> str:
    """`gold & negation`, `neutral & no negation` -> `gold neutral · no negation`."""
    if " & " not in key:
        return f"{key} {name}"
    return " · ".join(f"{k} {n}" for k, n in zip(key.split(" & "), name.split(" & "), strict=True))
