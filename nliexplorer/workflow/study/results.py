"""A study's runs as rows: every arm, set and metric over seeds, from what is in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from nliexplorer.analysis.arms import ArmRow, Values, adjusted, arm_rows
from nliexplorer.analysis.metrics import metrics_of
from nliexplorer.analysis.outputs import BoolArray, IntArray
from nliexplorer.analysis.shortcuts import hypothesis_only_transfer
from nliexplorer.analysis.temperature import fit_temperature
from nliexplorer.comparison.pairs import outputs_of
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.records import EvaluationRef, Run, StepRecord
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.study.plan import Arm, Plan
from nliexplorer.workflow.study.stored import is_whole, stored_runs
from nliexplorer.workflow.training_overlap import training_pairs

HARD = "hard"  # pairs that the hypothesis alone does not give away
#: Disjoint halves of every set's pairs: an arm found on the one is judged on the other.
HALVES = ("search", "report")
_STORED = ("accuracy", "nll", "ece")
_PAIRS = "pairs"
_CURVE = 60  # points of a training curve


@dataclass(frozen=True, slots=True)
class BlockResult:
    """One table: its arms' rows, the reference first."""

    title: str
    rows: tuple[ArmRow, ...]

    @property
    def arms(self) -> list[str]:
        return list(dict.fromkeys(row.arm for row in self.rows))

    @property
    def sets(self) -> list[str]:
        return list(dict.fromkeys(row.set for row in self.rows if row.set))


@dataclass(frozen=True, slots=True)
class Curve:
    """An arm's penalty over training: means over seeds of V and tanh(alpha * V)."""

    arm: str
    updates: tuple[float, ...]
    variance: tuple[float, ...]
    saturation: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StudyResult:
    """What a part of the study says so far; `planned` runs, of which `done` are counted."""

    part: str
    planned: int
    done: int
    blocks: tuple[BlockResult, ...]
    curves: tuple[Curve, ...]
    runs: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "part": self.part,
            "planned": self.planned,
            "done": self.done,
            "blocks": [
                {"title": block.title, "rows": [row.as_dict() for row in block.rows]}
                for block in self.blocks
            ],
            "runs": list(self.runs),
        }


def collect_results(plan: Plan, db: Path, half: str | None = None) -> StudyResult:
    """Tables and curves of the plan's whole runs, however many there are.

    With `half`, one of HALVES, metrics are of that half of each set's pairs alone.
    """
    stored = {key: run for key, run in stored_runs(db).items() if is_whole(run, plan)}
    tasks = plan.tasks()
    by_arm: dict[str, dict[int, Run]] = {
        arm.name: {
            seed: stored[key] for seed in arm.seeds if (key := plan.task(arm, seed).key) in stored
        }
        for arm in plan.arms.values()
    }
    done = [run for runs in by_arm.values() for run in runs.values()]
    if not done:
        raise NliError(f"{db} has no finished run of the study's {plan.name} part", "run it first")
    with StoreReader(db) as reader:
        hard = HardPairs(reader, plan)
        values = {run.id: run_values(reader, run, hard, half) for run in done}
        curves = [_curve(reader, name, list(runs.values())) for name, runs in by_arm.items()]
    sizes = {
        place: int(value)
        for each in values.values()
        for (place, name), value in each.items()
        if name == _PAIRS
    }
    for each in values.values():
        for place in sizes:
            each.pop((place, _PAIRS), None)
    per_arm = {
        name: {seed: values[run.id] for seed, run in runs.items()} for name, runs in by_arm.items()
    }
    rows = adjusted([row for arm in plan.arms.values() for row in _rows(arm, per_arm, sizes)])
    blocks = (
        BlockResult(
            block.title,
            tuple(row for arm in block.arms for row in rows if row.arm == arm.name),
        )
        for block in plan.blocks
    )
    return StudyResult(
        plan.name,
        len(tasks),
        len(done),
        tuple(block for block in blocks if block.rows),
        tuple(curve for curve in curves if curve),
        tuple(run.id for run in done),
    )


def _rows(
    arm: Arm, per_arm: Mapping[str, Mapping[int, Values]], sizes: Mapping[str, int]
) -> list[ArmRow]:
    if not per_arm[arm.name]:
        return []
    reference = per_arm.get(arm.against)
    return arm_rows(arm.name, per_arm[arm.name], arm.against, reference, sizes)


def run_values(
    reader: StoreReader, run: Run, hard: HardPairs, half: str | None = None
) -> dict[tuple[str, str], float]:
    """Every figure of a run that a study compares, and the pairs of each set."""
    values: dict[tuple[str, str], float | None] = {}
    for split in run.metrics:
        arrays = reader.predictions.arrays(EvaluationRef(run.id, split))
        if half:
            arrays = arrays.take(in_half(reader.examples.keys(arrays.example_ids), half))
        if not len(arrays):
            continue
        outputs = outputs_of(arrays)
        metrics = metrics_of(outputs)
        values |= {(split, name): getattr(metrics, name) for name in _STORED}
        values[split, "ece_after_temperature"] = fit_temperature(outputs).ece_after
        values[split, _PAIRS] = len(arrays)
        if split == run.config["eval_splits"][0]:
            hard_mask = hard.of(run, arrays.example_ids)
            if hard_mask is not None and hard_mask.any():
                values[f"{split}, {HARD}", "accuracy"] = float(arrays.correct[hard_mask].mean())
                values[f"{split}, {HARD}", _PAIRS] = int(hard_mask.sum())
    training = run.summary.get("training", {})
    values["", "saturation"] = training.get("mean_saturation")
    values["", "train_seconds"] = run.train_seconds
    values["", "cpu_seconds"] = training.get("cpu_seconds")
    measured = dict(run.summary.get("measures", {}))
    values |= {("", name): value for name, value in measured.items() if isinstance(value, float)}
    return {key: float(value) for key, value in values.items() if value is not None}


def in_half(keys: Sequence[str], half: str) -> BoolArray:
    """[n] whether a pair belongs to the half, by its content address: the same in every run."""
    if half not in HALVES:
        raise unknown_name("half", half, HALVES)
    number = HALVES.index(half)
    return np.array([crc32(key.encode()) % len(HALVES) == number for key in keys], dtype=bool)


class HardPairs:
    """Which pairs a hypothesis-only model of the plan's training pairs gets wrong, once a set.

    The first arm's pairs stand for the plan, so that hard means the same to arms with more.
    """

    def __init__(self, reader: StoreReader, plan: Plan) -> None:
        self._reader = reader
        self._samples = next(iter(plan.arms.values())).config.train_samples
        self._known: dict[tuple[str, bytes], BoolArray | None] = {}

    def of(self, run: Run, rows: IntArray) -> BoolArray | None:
        """[n] for pairs by row id; None where the training pairs are not at hand."""
        key = (run.data, rows.tobytes())
        if key not in self._known:
            self._known[key] = self._fitted(run, rows)
        return self._known[key]

    def _fitted(self, run: Run, rows: IntArray) -> BoolArray | None:
        plain = {**run.config, "augment": "", "train_samples": self._samples}
        try:
            train = training_pairs(replace(run, config=plain))
            tested = self._reader.examples.by_id(rows)
            transfer = hypothesis_only_transfer(
                [each.hypothesis for each in train],
                [each.gold for each in train],
                [each.hypothesis for each in tested],
                [each.gold for each in tested],
            )
        except NliError:
            return None
        return ~transfer.correct


def _curve(reader: StoreReader, arm: str, runs: Sequence[Run]) -> Curve | None:
    """Means over seeds in equal parts of training; None for an arm without a penalty."""
    curves = []
    for run in runs:
        steps = [step for step in reader.dynamics.steps(run.id) if step.variance is not None]
        if len(steps) >= _CURVE:
            curves.append(
                [_means(part) for part in np.array_split(np.array(steps, object), _CURVE)]
            )
    if not curves:
        return None
    update, variance, saturation = np.mean(np.array(curves), axis=0).T.tolist()
    return Curve(arm, tuple(update), tuple(variance), tuple(saturation))


def _means(steps: Iterable[StepRecord]) -> list[float]:
    rows = [(step.step, step.variance or 0.0, step.saturation or 0.0) for step in steps]
    means: list[float] = np.mean(rows, axis=0).tolist()
    return means
