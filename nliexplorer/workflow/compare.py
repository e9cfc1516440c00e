"""Two runs, or two groups of runs over seeds, on the pairs that all of them predicted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any

import numpy as np

from nliexplorer.analysis.leakage import known_overlap
from nliexplorer.analysis.metric_specs import METRICS
from nliexplorer.analysis.metrics import Confusion, confusion, metrics_of
from nliexplorer.analysis.outputs import Outputs, outputs
from nliexplorer.analysis.seeds import SeedDifference, compare_groups
from nliexplorer.analysis.significance import Comparison
from nliexplorer.analysis.significance import compare as compare_outputs
from nliexplorer.errors import NliError
from nliexplorer.records import EvaluationRef, Run
from nliexplorer.store.filters import EVERYTHING, Filter
from nliexplorer.store.reader import PredictionArrays, StoreReader

SECONDS = ("train_seconds", "eval_seconds")


def outputs_of(arrays: PredictionArrays) -> Outputs:
    """Stored predictions in the form the analysis takes."""
    return outputs(
        arrays.gold,
        logits=arrays.logits,
        probabilities=arrays.probabilities,
        predicted=arrays.predicted,
    )


@dataclass(frozen=True, slots=True, eq=False)
class PairedRuns:
    """Two runs and their predictions of the same pairs, row by row."""

    runs: tuple[Run, Run]
    splits: tuple[str, str]  # what each calls the split
    arrays: tuple[PredictionArrays, PredictionArrays]
    left_out: tuple[int, int]  # pairs that only this one predicted

    @property
    def evaluations(self) -> tuple[EvaluationRef, EvaluationRef]:
        """Of which the arrays are."""
        (a, b), (split_a, split_b) = self.runs, self.splits
        return EvaluationRef(a.id, split_a), EvaluationRef(b.id, split_b)

    def overlaps(self) -> dict[str, str]:
        """What was found of each run's training pairs among these; empty where nobody looked."""
        runs = zip(self.runs, self.splits, strict=True)
        a, b = (known_overlap(run.summary, split) for run, split in runs)
        return {"a": a, "b": b}

    def confusions(self) -> tuple[Confusion, Confusion]:
        """Fig. 9 of the two."""
        a, b = (confusion(outputs_of(arrays)) for arrays in self.arrays)
        return a, b

    def compare(self, resamples: int | None = None) -> Comparison:
        """Table 1 of the two."""
        measured = [run.metrics[split] for run, split in zip(self.runs, self.splits, strict=True)]
        seconds = {
            "train_seconds": (self.runs[0].train_seconds, self.runs[1].train_seconds),
            "eval_seconds": (measured[0].eval_seconds, measured[1].eval_seconds),
        }
        return compare_outputs(
            outputs_of(self.arrays[0]),
            outputs_of(self.arrays[1]),
            names=(self.runs[0].name, self.runs[1].name),
            split=self.splits[0],
            left_out=self.left_out,
            seconds={name: pair for name, pair in seconds.items() if pair != (None, None)},
            resamples=resamples,
        )


def pair_runs(
    reader: StoreReader, a: str, b: str, split: str | None = None, wanted: Filter | None = None
) -> PairedRuns:
    """Runs `a` and `b` on a's split (default: its own) that pass the filter, read from a's side."""
    one, two = reader.runs.get(a), reader.runs.get(b)
    here = reader.runs.evaluation(one.id, split)
    there = reader.runs.counterpart(here, two.id).evaluation
    left, right, only_a, only_b = reader.predictions.paired(here, there, wanted or EVERYTHING)
    return PairedRuns((one, two), (here.split, there.split), (left, right), (only_a, only_b))


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """The `compare --group` document."""

    a: tuple[Run, ...]
    b: tuple[Run, ...]
    split: str
    n: int
    left_out: int  # pairs that some run did not predict
    metrics: tuple[SeedDifference, ...]

    @property
    def sentence(self) -> str:
        return self.metrics[0].sentence

    def as_dict(self) -> dict[str, Any]:
        runs = {
            side: [{"id": run.id, "name": run.name, "seed": run.seed} for run in group]
            for side, group in (("a", self.a), ("b", self.b))
        }
        return {
            **runs,
            "split": self.split,
            "n": self.n,
            "left_out": self.left_out,
            "paired": self.metrics[0].paired,
            "sentence": self.sentence,
            "metrics": [row.as_dict() for row in self.metrics],
        }


def compare_run_groups(
    reader: StoreReader,
    a: Sequence[Run],
    b: Sequence[Run],
    split: str | None = None,
    wanted: Filter | None = None,
) -> GroupComparison:
    """Every metric over the runs (seeds) of a and of b, on the pairs that all of them predicted."""
    both = {run.id for run in a} & {run.id for run in b}
    if both:
        raise NliError(f"run {sorted(both)[0]} is in both groups", "name each run once")
    first = reader.runs.evaluation(a[0].id, split)
    evaluations = {run.id: reader.runs.counterpart(first, run.id).evaluation for run in (*a, *b)}
    evaluations[a[0].id] = first
    arrays = {
        run_id: reader.predictions.arrays(
            evaluation, wanted if wanted and evaluation is first else EVERYTHING
        )
        for run_id, evaluation in evaluations.items()
    }
    shared = reduce(np.intersect1d, [each.example_ids for each in arrays.values()])
    if not len(shared):
        raise NliError("these runs have no pair in common", "evaluate all on the same data")
    values = {
        side: [_values(run, evaluations[run.id].split, arrays[run.id], shared) for run in group]
        for side, group in (("a", a), ("b", b))
    }
    known = [
        name
        for name in (*METRICS, *SECONDS)
        if all(row[name] is not None for rows in values.values() for row in rows)
    ]
    metrics = compare_groups(
        {name: ([r[name] for r in values["a"]], [r[name] for r in values["b"]]) for name in known},
        (_seeds(a), _seeds(b)),
    )
    everything = reduce(np.union1d, [each.example_ids for each in arrays.values()])
    left_out = 0 if wanted and not wanted.is_empty else len(everything) - len(shared)
    return GroupComparison(tuple(a), tuple(b), first.split, len(shared), left_out, metrics)


def _values(run: Run, split: str, arrays: PredictionArrays, shared: Any) -> Mapping[str, Any]:
    kept = arrays.take(np.isin(arrays.example_ids, shared))
    found = metrics_of(outputs_of(kept)).as_dict()
    found["eval_seconds"] = run.metrics[split].eval_seconds
    return found | {"train_seconds": run.train_seconds}


def _seeds(runs: Sequence[Run]) -> list[int]:
    """The runs' seeds; runs without one get numbers that pair with nothing."""
    return [-1 - id(run) if run.seed is None else run.seed for run in runs]


def group_of_runs(reader: StoreReader, text: str) -> list[Run]:
    """The runs that `text` names: parts with commas between them, each of them a run, a pattern
    (`study-baseline-*`), a stem (`study-baseline` for `study-baseline-s0`, `-s1`, …), or an
    objective. Raises NliError where a part names none, or a run that has no predictions.
    """
    runs = reader.runs.all()
    chosen: dict[str, Run] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        found = _named(runs, part) or [reader.runs.get(part)]
        chosen |= {run.id: run for run in found}
    if not chosen:
        raise NliError(f"{text!r} names no run", "give names with commas between them")
    for run in chosen.values():
        if not run.metrics:
            raise NliError(f"run {run.name} has no predictions yet", "leave it out, or evaluate it")
    return sorted(chosen.values(), key=lambda run: (run.seed is None, run.seed or 0, run.name))


def _named(runs: Sequence[Run], part: str) -> list[Run]:
    """Runs by exact name, pattern, stem or objective; the first way that finds any."""
    stem = re.compile(re.escape(part) + r"-s\d+")
    measured = [run for run in runs if run.metrics]
    ways = (
        [run for run in runs if part in (run.id, run.name)],
        [run for run in measured if "*" in part and fnmatchcase(run.name, part)],
        [run for run in measured if stem.fullmatch(run.name)],
        [run for run in measured if run.objective == part],
    )
    return next((way for way in ways if way), [])
