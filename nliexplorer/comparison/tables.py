"""Comparisons with intervals and tests, confusions and calibrations of paired runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nliexplorer.analysis.calibration import Calibration, calibration_of
from nliexplorer.analysis.metrics import Confusion, confusion
from nliexplorer.analysis.significance import Comparison, Seconds, compare_to_first
from nliexplorer.comparison.pairs import PairedRuns, Side
from nliexplorer.errors import NliError
from nliexplorer.records import Run

#: Confidence from which an error is a sure one.
SURE = 0.95


def comparisons(paired: PairedRuns, resamples: int | None = None) -> tuple[Comparison, ...]:
    """Each later run against the first, on the same resamples of the same pairs."""
    first, others = paired.sides[0], paired.sides[1:]
    results = compare_to_first(
        paired.outputs,
        names=paired.names,
        split=paired.split,
        left_out=[side.left_out for side in paired.sides],
        seconds=[_seconds(first, side) for side in others],
        resamples=resamples,
    )
    notes = tuple(note for note in paired.notes if note != paired.left_out)
    return tuple(replace(each, notes=(*notes, *each.notes)) for each in results)


def compare_pair(paired: PairedRuns, resamples: int | None = None) -> Comparison:
    """Table 1 of two runs."""
    (comparison,) = comparisons(paired, resamples)
    return comparison


def _seconds(a: Side, b: Side) -> Seconds:
    measured = {
        "train_seconds": (a.run.train_seconds, b.run.train_seconds),
        "eval_seconds": (_eval_seconds(a), _eval_seconds(b)),
    }
    return {name: pair for name, pair in measured.items() if pair != (None, None)}


def _eval_seconds(side: Side) -> float | None:
    metrics = side.run.metrics.get(side.split)
    return metrics.eval_seconds if metrics else None


def comparison_document(paired: PairedRuns, results: Sequence[Comparison]) -> dict[str, Any]:
    """The `compare` document: of two runs the comparison itself, of more a list of them."""
    shared: dict[str, Any] = {"total": paired.total, "selected": paired.selected}
    unanswered = [side.unanswered for side in paired.sides]
    if len(results) == 1:
        a, b = paired.overlaps
        shared["unanswered"] = dict(zip("ab", unanswered, strict=True))
        shared["counterpart"] = next(iter(paired.counterpart_documents()), None)
        return results[0].as_dict() | shared | {"overlap": {"a": a, "b": b}}
    return {
        "split": paired.split,
        "n": paired.n,
        "runs": list(paired.names),
        "unanswered": unanswered,
        **shared,
        "comparisons": [result.as_dict() for result in results],
        "counterparts": paired.counterpart_documents(),
        "overlaps": paired.overlaps,
    }


def confusions(paired: PairedRuns) -> tuple[Confusion, ...]:
    """Fig. 9 of each run."""
    return tuple(confusion(each) for each in paired.outputs)


@dataclass(frozen=True, slots=True, eq=False)
class RunCalibration:
    """A run's calibration, or why it has none.

    `sure`, `sure_wrong`: pairs answered with a confidence of at least SURE, and the wrong of them.
    """

    run: Run
    result: Calibration | NliError
    sure: int = 0
    sure_wrong: int = 0


def calibrations(paired: PairedRuns) -> tuple[RunCalibration, ...]:
    """Calibration of each run on the shared pairs."""
    return tuple(_calibration(side) for side in paired.sides)


def _calibration(side: Side) -> RunCalibration:
    try:
        result = calibration_of(side.outputs)
    except NliError as error:
        return RunCalibration(side.run, error)
    confidence = side.outputs.confidence
    assert confidence is not None
    sure = confidence >= SURE
    wrong = int((sure & ~side.outputs.correct).sum())
    return RunCalibration(side.run, result, int(sure.sum()), wrong)
