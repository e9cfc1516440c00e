"""Questions whose answers need arithmetic: comparison, calibration, slices. Run on threads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nliexplorer.analysis.calibration import Calibration, calibration_of
from nliexplorer.analysis.metrics import Confusion, confusion
from nliexplorer.analysis.outputs import Outputs, outputs
from nliexplorer.analysis.significance import Comparison, compare
from nliexplorer.errors import NliError
from nliexplorer.records import Run
from nliexplorer.store.reader import PredictionArrays, StoreReader
from nliexplorer.tui.state import Ids, Selection, split_of


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
    )


def compared(reader: StoreReader, chosen: Selection) -> Compared:
    """The comparison with intervals; bootstraps over pairs."""
    if not chosen.a or not chosen.b:
        raise NliError("two runs are needed here", "mark A and B on screen 1")
    left, right, only_a, only_b = reader.paired(chosen.a.id, chosen.b.id, chosen.split)
    a, b = outputs_of(left), outputs_of(right)
    seconds = {
        name: (value_a, value_b)
        for name, value_a, value_b in (
            ("train_seconds", chosen.a.train_seconds, chosen.b.train_seconds),
            ("eval_seconds", _eval_seconds(chosen.a, chosen), _eval_seconds(chosen.b, chosen)),
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


def _eval_seconds(run: Run, chosen: Selection) -> float | None:
    metrics = run.metrics.get(chosen.split)
    return metrics.eval_seconds if metrics else None


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    run: Run
    result: Calibration | NliError


def calibrated(reader: StoreReader, chosen: Selection) -> list[Calibrated]:
    """Calibration of A and B, or why there is none."""
    found = []
    for run in chosen.runs:
        try:
            given = outputs_of(reader.arrays(run.id, split_of(run, chosen)))
            found.append(Calibrated(run, calibration_of(given)))
        except NliError as error:
            found.append(Calibrated(run, error))
    return found


def pairs_where(ids: Ids, mask: np.ndarray) -> Ids:
    return ids[np.asarray(mask, dtype=bool)]
