"""The faithfulness of a method for one run, or for two on the pairs that both get right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nliexplorer.analysis.controlled_measures import Measure, compare_measures
from nliexplorer.analysis.outputs import IntArray
from nliexplorer.attribution.baseline import AUTO
from nliexplorer.attribution.faithfulness import Faithfulness, measure_faithfulness
from nliexplorer.attribution.methods import checked_settings
from nliexplorer.comparison.pairs import pair_runs
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.windows import in_window, window_span
from nliexplorer.progress import progress
from nliexplorer.records import EvaluationRef, Example, Run, Window
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.attribute import DEFAULT_STEPS
from nliexplorer.workflow.run_models import load_run


@dataclass(frozen=True, slots=True)
class Settings:
    """How attributions are made and which pairs are drawn; `samples` 0 takes every pair."""

    method: str = "integrated-gradients"
    baseline: str = AUTO
    steps: int = DEFAULT_STEPS
    samples: int = 200
    seed: int = 0
    device: str = "auto"


def faithfulness_of_run(
    db: Path, ref: str, split: str | None = None, settings: Settings | None = None
) -> tuple[str, str, Faithfulness]:
    """(run's name, split, measures)."""
    settings = settings or Settings()
    checked_settings(settings.method, settings.baseline, settings.steps)
    with StoreReader(db) as reader:
        run = reader.runs.get(ref)
        evaluation = reader.runs.evaluation(run.id, split)
        rows = _sampled(reader.predictions.arrays(evaluation).example_ids, settings)
        pairs = _Pairs.read(reader, evaluation, rows)
    return run.name, evaluation.split, _measured(run, pairs, settings)


@dataclass(frozen=True, slots=True)
class FaithfulnessComparison:
    """Two runs' measures on `n` pairs drawn from the `both_right` that both get right.

    An explanation of a wrong answer describes another computation than one of a right answer, and
    human rationales justify the gold label: two models are comparable on those pairs only.
    """

    names: tuple[str, str]
    split: str
    both_right: int
    runs: tuple[Faithfulness, Faithfulness]

    @property
    def n(self) -> int:
        return self.runs[0].n

    @property
    def differences(self) -> tuple[Measure, ...]:
        """Each measure of B, with A as its control."""
        return compare_measures(self.runs[0].measures, self.runs[1].measures)

    def as_dict(self) -> dict[str, Any]:
        a, b = self.runs
        return {
            "a": self.names[0],
            "b": self.names[1],
            "split": self.split,
            "n": self.n,
            "both_right": self.both_right,
            "runs": [a.as_dict(), b.as_dict()],
            "differences": [
                {
                    "name": each.name,
                    "n": each.n,
                    "a": each.control,
                    "b": each.value,
                    "delta": each.delta,
                    "ci_low": each.ci_low,
                    "ci_high": each.ci_high,
                    "verdict": each.verdict,
                }
                for each in self.differences
            ],
        }


def compare_faithfulness(
    db: Path, refs: tuple[str, str], split: str | None = None, settings: Settings | None = None
) -> FaithfulnessComparison:
    """Both runs on the same pairs; raises NliError where none is right in both."""
    settings = settings or Settings()
    checked_settings(settings.method, settings.baseline, settings.steps)
    with StoreReader(db) as reader:
        paired = pair_runs(reader, refs, split)
        right = np.logical_and.reduce([each.correct for each in paired.outputs])
        rows = _sampled(paired.arrays[0].example_ids[right], settings)
        pairs = [_Pairs.read(reader, evaluation, rows) for evaluation in paired.evaluations]
    if not len(rows):
        raise NliError("no pair is right in both runs", "evaluate each run separately")
    a, b = (_measured(*each, settings) for each in zip(paired.runs, pairs, strict=True))
    names = (paired.names[0], paired.names[1])
    return FaithfulnessComparison(names, paired.split, int(right.sum()), (a, b))


def _sampled(rows: IntArray, settings: Settings) -> IntArray:
    """A random sample, in the order of the split."""
    if not 0 < settings.samples < len(rows):
        return rows
    order = np.random.default_rng(settings.seed).permutation(len(rows))
    return rows[np.sort(order[: settings.samples])]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs of an evaluation and, by position, the window that decided those of long premises."""

    examples: list[Example]
    windows: dict[int, Window]

    @classmethod
    def read(cls, reader: StoreReader, evaluation: EvaluationRef, rows: IntArray) -> _Pairs:
        return cls(reader.examples.by_id(rows), reader.predictions.windows(evaluation, rows))

    def as_read_by(self, classifier: Classifier) -> list[Example]:
        """The pairs with only the window of the premise by which the model decided."""
        examples = list(self.examples)
        for place, window in self.windows.items():
            span = window_span(classifier, examples[place], window)
            examples[place] = in_window(examples[place], span)
        return examples


def _measured(run: Run, pairs: _Pairs, settings: Settings) -> Faithfulness:
    classifier = load_run(run, settings.device)
    with progress(f"{run.name}: judging {settings.method}") as advance:
        return measure_faithfulness(
            classifier,
            pairs.as_read_by(classifier),
            method=settings.method,
            baseline=settings.baseline,
            steps=settings.steps,
            progress=advance,
        )
