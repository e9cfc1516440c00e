"""The models behind the probe: loaded once, in the background, and only when they are needed.

This is the one module of the explorer that leads to torch, and only from inside its methods.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES, Run, classes_of, probability_of
from nliexplorer.view.pair import RunView


@dataclass(frozen=True, slots=True)
class Probe:
    """One typed pair and what each run said of it."""

    premise: str
    hypothesis: str
    target: str  # predicted, or a label
    runs: tuple[RunView, ...]

    @property
    def pair(self) -> tuple[str, str]:
        return self.premise, self.hypothesis

    @property
    def summary(self) -> str:
        """`neutral 97 · contradiction 61`, for the history."""
        words = []
        for run in self.runs:
            if run.predicted is None or run.probabilities is None:
                words.append("–")
            else:
                share = (probability_of(run.probabilities, run.predicted) or 0.0) * 100
                words.append(f"{GOLD_NAMES[run.predicted]} {share:.0f}")
        return " · ".join(words)


@dataclass(frozen=True, slots=True)
class Removal:
    """A pair less one word, and what each run predicts then; None for a run that cannot."""

    segment: str  # premise or hypothesis
    word: str
    premise: str
    hypothesis: str
    probabilities: tuple[tuple[float, ...] | None, ...]

    def predicted(self, run: int) -> int | None:
        """The label with the highest probability."""
        probabilities = self.probabilities[run]
        if probabilities is None:
            return None
        return classes_of(probabilities)[probabilities.index(max(probabilities))]


def without_each_word(premise: str, hypothesis: str) -> list[tuple[str, str, str, str]]:
    """(segment, word, premise, hypothesis) for each word that can be removed."""
    variants = []
    for segment, sentence in (("hypothesis", hypothesis), ("premise", premise)):
        words = sentence.split()
        for index, word in enumerate(words if len(words) > 1 else []):
            rest = " ".join(words[:index] + words[index + 1 :])
            pair = (premise, rest) if segment == "hypothesis" else (rest, hypothesis)
            variants.append((segment, word, *pair))
    return variants


class Models:
    """Loaded classifiers by run id; usable from one worker thread at a time."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def ready(self) -> frozenset[str]:
        return frozenset(self._loaded)

    def answer(self, runs: Sequence[Run], premise: str, hypothesis: str, target: str) -> Probe:
        """Predict and attribute the pair with each run; a run that can't says why.

        Raises NliError when no run can.
        """
        with self._lock:
            views = [self._view(run, premise, hypothesis, target) for run in runs]
        if views and all(view.predicted is None for view in views):
            raise NliError(
                views[0].missing, "train a model: nliexplorer train, or nliexplorer demo"
            )
        return Probe(premise, hypothesis, target, tuple(views))

    def remove_each_word(self, runs: Sequence[Run], premise: str, hypothesis: str) -> list[Removal]:
        """What each run predicts of the pair less each one of its words, hypothesis first.

        Raises NliError when no run has a model.
        """
        variants = without_each_word(premise, hypothesis)
        pairs = [(p, h) for _, _, p, h in variants]
        with self._lock:
            answers = [self._probabilities(run, pairs) for run in runs]
        if all(answer is None for answer in answers):
            raise NliError("no run has a model here", "train one: nliexplorer train")
        return [
            Removal(segment, word, p, h, tuple(a[index] if a else None for a in answers))
            for index, (segment, word, p, h) in enumerate(variants)
        ]

    def _probabilities(
        self, run: Run, pairs: list[tuple[str, str]]
    ) -> list[tuple[float, ...]] | None:
        try:
            from nliexplorer.analysis.outputs import softmax
            from nliexplorer.inference import predict

            rows = softmax(predict(self._model(run), pairs)).tolist()
        except (ImportError, NliError):
            return None
        return [tuple(row) for row in rows]

    def _view(self, run: Run, premise: str, hypothesis: str, target: str) -> RunView:
        try:
            from nliexplorer.workflow.explain import explain_pair

            (explanation,) = explain_pair(
                [(run.name, self._model(run))], premise, hypothesis, target=target
            )
        except ImportError as error:
            return RunView(run.name, missing=f"the engine is not installed: {error.name}")
        except NliError as error:
            return RunView(run.name, missing=error.message)
        return explanation.view

    def _model(self, run: Run) -> Any:
        if run.id not in self._loaded:
            from nliexplorer.workflow.run_models import load_run

            self._loaded[run.id] = load_run(run)
        return self._loaded[run.id]
