"""Two groups of runs, such as seeds, on the pairs that all of them predicted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nliexplorer.analysis.intervals import mean_t_interval
from nliexplorer.analysis.metric_specs import METRICS
from nliexplorer.analysis.metrics import metrics_of
from nliexplorer.analysis.outputs import IntArray
from nliexplorer.analysis.seeds import SeedDifference, compare_groups
from nliexplorer.comparison.pairs import Side, pair_runs
from nliexplorer.errors import NliError
from nliexplorer.records import Run
from nliexplorer.store.filters import EVERYTHING, Filter
from nliexplorer.store.reader import StoreReader

SECONDS = ("train_seconds", "eval_seconds")
#: Objective of runs that are predictions alone.
IMPORTED = "imported"
#: How names of one arm's runs end: `-s0`, `-s1`, and so on.
_SEED = re.compile(r"-s(\d+)$")


@dataclass(frozen=True, slots=True)
class Arm:
    """Runs that differ in nothing but their seed, at least two, in the order of their seeds."""

    name: str
    runs: tuple[Run, ...]

    @property
    def measured(self) -> Arm:
        """The same arm, less the runs that have no predictions yet."""
        return Arm(self.name, tuple(run for run in self.runs if run.metrics))

    def holds(self, run: Run | None) -> bool:
        return run is not None and any(each.id == run.id for each in self.runs)

    @property
    def reference(self) -> str:
        """What names this group on the command line (`compare --group`), see `group_of_runs`."""
        if all(_SEED.search(run.name) for run in self.runs):
            return self.name
        return ",".join(run.name for run in self.runs)

    def mean(self, split: str, metric: str) -> tuple[float, float | None] | None:
        """Mean over the seeds that have the metric, and half of its 95 % t-interval."""
        values = [getattr(run.metrics.get(split), metric, None) for run in self.runs]
        known = [value for value in values if value is not None]
        return mean_t_interval(known) if known else None


def stem(run: Run) -> str:
    """The run's name without its seed."""
    return _SEED.sub("", run.name)


def seed_of(run: Run) -> int | None:
    """The run's seed; of an imported run the one in its name."""
    if run.seed is not None:
        return run.seed
    match = _SEED.search(run.name)
    return int(match[1]) if match else None


def arms_of(runs: Sequence[Run]) -> tuple[Arm, ...]:
    """The arms among these runs, in the order of their first run.

    Runs are of one arm where names are alike but for `-s0`, `-s1` …, objective, data and model are
    the same, and seeds are known and differ. The data of an imported run is its file; a model that
    is the checkpoint of another of these runs counts as that run's arm.
    """
    stems = {run.id: stem(run) for run in runs}  # a checkpoint is a folder named by its run's id
    members: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        if seed_of(run) is not None:
            data = "" if run.objective == IMPORTED else run.data
            model = stems.get(Path(run.model).name, run.model)
            key = (stem(run), run.objective, data, model)
            members.setdefault(key, []).append(run)
    return tuple(
        Arm(name, tuple(sorted(alike, key=lambda run: seed_of(run) or 0)))
        for (name, *_), alike in members.items()
        if len(alike) > 1 and len({seed_of(run) for run in alike}) == len(alike)
    )


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """The `compare --group` document."""

    a: tuple[Run, ...]
    b: tuple[Run, ...]
    split: str
    n: int
    left_out: int  # pairs of some run that another did not predict
    metrics: tuple[SeedDifference, ...]
    accuracies: tuple[tuple[float | None, ...], ...]  # run by run, of a and of b
    notes: tuple[str, ...] = ()

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
            "notes": list(self.notes),
        }


def compare_run_groups(
    reader: StoreReader,
    a: Sequence[Run],
    b: Sequence[Run],
    split: str | None = None,
    filter: Filter = EVERYTHING,
    ids: IntArray | None = None,
) -> GroupComparison:
    """Every metric over the runs (seeds) of a and of b, on the pairs that all of them predicted.

    `filter` and `ids` pick among these as in `pair_runs`, from the side of the first run of a.
    """
    in_both = {run.id for run in a} & {run.id for run in b}
    if in_both:
        raise NliError(f"run {sorted(in_both)[0]} is in both groups", "name each run once")
    paired = pair_runs(reader, [run.id for run in (*a, *b)], split, filter, ids)
    values = [_values(side) for side in paired.sides]
    of_a, of_b = values[: len(a)], values[len(a) :]
    known = [
        name for name in (*METRICS, *SECONDS) if all(each.get(name) is not None for each in values)
    ]
    metrics = compare_groups(
        {name: ([each[name] for each in of_a], [each[name] for each in of_b]) for name in known},
        (_seeds(a), _seeds(b)),
    )
    notes = tuple(note for note in paired.notes if note != paired.left_out)
    left_out = 0 if paired.selected else paired.incomplete
    accuracies = tuple(tuple(each["accuracy"] for each in group) for group in (of_a, of_b))
    return GroupComparison(
        tuple(a), tuple(b), paired.split, paired.n, left_out, metrics, accuracies, notes
    )


def _values(side: Side) -> Mapping[str, Any]:
    metrics = side.run.metrics.get(side.split)
    return metrics_of(side.outputs).as_dict() | {
        "eval_seconds": metrics.eval_seconds if metrics else None,
        "train_seconds": side.run.train_seconds,
    }


def _seeds(runs: Sequence[Run]) -> list[int]:
    """The runs' seeds; runs without one get numbers that pair with nothing."""
    seeds = [seed_of(run) for run in runs]
    return [-1 - id(run) if seed is None else seed for run, seed in zip(runs, seeds, strict=True)]


def group_of_runs(reader: StoreReader, text: str) -> list[Run]:
    """The runs that `text` names, parts with commas between them.

    Each part is an arm (`baseline` for `baseline`, `baseline-s1`, …), a run, a pattern
    (`study-baseline-*`), a stem (`study-baseline` for `study-baseline-s0`, `-s1`, …), or an
    objective. Raises NliError where a part names none, or a run that has no predictions.
    """
    runs = reader.runs.all()
    group: dict[str, Run] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        group |= {run.id: run for run in _named(runs, part) or [reader.runs.get(part)]}
    if not group:
        raise NliError(f"{text!r} names no run", "give names with commas between them")
    for run in group.values():
        if not run.metrics:
            raise NliError(f"run {run.name} has no predictions yet", "leave it out, or evaluate it")
    return sorted(
        group.values(), key=lambda run: (seed_of(run) is None, seed_of(run) or 0, run.name)
    )


def _named(runs: Sequence[Run], part: str) -> list[Run]:
    """Runs by arm, exact name, pattern, stem or objective; the first way that finds any."""
    measured = [run for run in runs if run.metrics]
    arms = [arm for arm in arms_of(measured) if arm.name == part]
    ways = (
        [run for arm in arms for run in arm.runs] if len(arms) == 1 else [],
        [run for run in runs if part in (run.id, run.name)],
        [run for run in measured if "*" in part and fnmatchcase(run.name, part)],
        [run for run in measured if _SEED.search(run.name) and stem(run) == part],
        [run for run in measured if run.objective == part],
    )
    return next((way for way in ways if way), [])
