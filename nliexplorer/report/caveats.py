"""Caveats of a report: only those that apply to these two runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.analysis.slices import Slice
from nliexplorer.analysis.verdict import FEW_PAIRS, UNDECIDED
from nliexplorer.config import PathPenaltyConfig
from nliexplorer.records import SATURATED
from nliexplorer.report.data import ReportData, Side
from nliexplorer.view.metric_text import change

#: Settings that make a run another objective, or change nothing in its weights.
_OF_THE_OBJECTIVE = frozenset(
    {"objective", *(field.name.rstrip("_") for field in fields(PathPenaltyConfig))}
)
_HARMLESS = frozenset(
    {"name", "output_dir", "device", "attribute", "attribution_steps", "record_dynamics"}
    | {"report_to"}
)


@dataclass(frozen=True, slots=True)
class Caveat:
    """A heading of a few words, and what follows from it."""

    title: str
    text: str


def caveats(data: ReportData) -> tuple[Caveat, ...]:
    """Those that apply, the gravest first."""
    rules = (_seeds, _chance, _settings, _overlap, _chosen_on, _penalty, _attributions, _pairs)
    return tuple(caveat for rule in rules for caveat in rule(data))


def _seeds(data: ReportData) -> Iterator[Caveat]:
    a, b = data.runs
    yield Caveat(
        "One seed of each",
        "The intervals and tests here are over pairs, for these two trained models. With other "
        "seeds the difference, even its sign, may change: train several of each and use "
        "`nliexplorer compare --group`.",
    )
    for run in (a, b):
        if run.status != "done":
            yield Caveat(f"{run.name} is {run.status}", "Its results may still change.")


def _chance(data: ReportData) -> Iterator[Caveat]:
    accuracy = data.comparison.metric("accuracy")
    if accuracy.verdict == UNDECIDED:
        spec = spec_of(accuracy.name)
        yield Caveat(
            "Chance can explain it",
            f"The difference in accuracy, with interval {change(spec, accuracy.ci_low)} to "
            f"{change(spec, accuracy.ci_high)} points and exact p = {accuracy.p:.2g}, is "
            "within what chance explains.",
        )


def config_differences(
    a: Mapping[str, Any], b: Mapping[str, Any]
) -> tuple[tuple[str, Any, Any], ...]:
    """(setting, of a, of b) where both configured runs differ, without the harmless ones."""
    if not a or not b:
        return ()
    keys = sorted((a.keys() | b.keys()) - _HARMLESS)
    return tuple((key, a.get(key), b.get(key)) for key in keys if a.get(key) != b.get(key))


def _settings(data: ReportData) -> Iterator[Caveat]:
    one, two = (run.config for run in data.runs)
    other = [key for key, _, _ in config_differences(one, two) if key not in _OF_THE_OBJECTIVE]
    if other:
        yield Caveat(
            "They differ in more than the objective",
            f"Also in {', '.join(other)}: the penalty alone may not explain the difference.",
        )
    unknown = [run.name for run in data.runs if not run.config]
    if unknown:
        yield Caveat(
            f"Little is known of {' and '.join(unknown)}",
            "Predictions were imported: how their model was trained, with what seed and on what "
            "pairs, is known only to their author.",
        )


def _overlap(data: ReportData) -> Iterator[Caveat]:
    if data.overlap is None:
        yield Caveat(
            "Overlap with training is not known", f"{_sentence(data.overlap_missing)} "
            "Pairs that a model was trained on would flatter it.",
        )  # fmt: skip
    elif data.overlap.near:
        share = data.overlap.near / data.overlap.n
        yield Caveat(
            "Test pairs occur in the training data",
            f"{_sentence(data.overlap.sentence)} That is {share:.1%}; read every figure with it "
            "in mind.",
        )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _chosen_on(data: ReportData) -> Iterator[Caveat]:
    best_on_dev = [
        side.run.name
        for side in data.sides
        if (side.run.config.get("eval_splits") or [""])[0] == side.split
    ]
    if best_on_dev:
        split = data.comparison.split
        yield Caveat(
            f"The models were chosen by {split}",
            f"The checkpoint of {' and of '.join(best_on_dev)} is the one with the best accuracy "
            f"on {split}, so figures on it are slightly optimistic; a split that training never "
            "saw is fairer.",
        )


def _penalty(data: ReportData) -> Iterator[Caveat]:
    for side in data.sides:
        level = late_saturation(side)
        if level is not None and level > SATURATED:
            yield Caveat(
                f"The penalty of {side.run.name} is saturated",
                f"In the last tenth of training tanh(α·V) is {level:.2f} on average, where its "
                f"slope is {1 - level**2:.2f} of the full one: the penalty has little effect.",
            )
        config = side.run.config
        penalised = side.run.objective == "ig-variance"
        if penalised and config.get("penalty_gradient") == "embedding":
            yield Caveat(
                f"The penalty of {side.run.name} hardly trains the encoder",
                "With `--penalty-gradient embedding`, as in the paper’s code, its gradient reaches "
                "the word embeddings alone.",
            )


def late_saturation(side: Side) -> float | None:
    """Mean tanh(alpha V) over the last tenth of the updates; None without a penalty."""
    if side.curve is None:
        return None
    known = [step.saturation for step in side.curve.steps if step.saturation is not None]
    return float(np.mean(known[-max(1, len(known) // 10) :])) if known else None


def _attributions(data: ReportData) -> Iterator[Caveat]:
    for side in data.sides:
        if side.unreliable:
            yield Caveat(
                f"Some attributions of {side.run.name} are unreliable",
                f"{side.unreliable:,} of {side.attributed:,} stored ones miss the logit difference "
                "they should sum to by more than 10 % of their mass; they are marked ⚠ where "
                "shown. `nliexplorer attribute --steps` with a larger number fixes that.",
            )
    if data.pairs.unknown > 0.2:
        yield Caveat(
            "The models do not know the paper’s words",
            f"{data.pairs.unknown:.0%} of the words in Figs 2–7 are not in their vocabulary; the "
            "pairs fixed and broken below are the ones to look at.",
        )


def _pairs(data: ReportData) -> Iterator[Caveat]:
    few = _few(data.lengths[0])
    if few:
        yield Caveat(
            "Few pairs in some bins",
            f"{_bins(few)} under {FEW_PAIRS} pairs: the bars of Fig. 8 there mean little, "
            "however tall.",
        )
    if data.comparison.left_out:
        yield Caveat("Not the same pairs", _sentence(data.comparison.left_out))
    for note in data.comparison.notes:
        yield Caveat("About these figures", _sentence(note))
    if data.sides[0].calibration is None or data.sides[1].calibration is None:
        yield Caveat(
            "Labels alone",
            "One run has no probabilities, so that AUC, NLL, Brier score and calibration are not "
            "defined for it.",
        )


def _few(rows: Sequence[Slice]) -> list[Slice]:
    return [row for row in rows if 0 < row.n < FEW_PAIRS]


def _bins(rows: Sequence[Slice]) -> str:
    return (
        "One bin of equal width holds"
        if len(rows) == 1
        else (f"{len(rows)} bins of equal width hold")
    )
