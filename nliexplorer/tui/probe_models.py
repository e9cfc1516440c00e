"""The models behind the probe: loaded once, in the background, and only when they are needed.

This is the one module of the explorer that leads to torch, and only from inside `answers`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES, Run, probability_of
from nliexplorer.view.pair import RunView


@dataclass(frozen=True, slots=True)
class Probe:
    """One typed pair and what each run said of it."""

    premise: str
    hypothesis: str
    target: str  # predicted, or a label
    runs: tuple[RunView, ...]

    @property
    def said(self) -> str:
        """`neutral 97 · contradiction 61`, for the history."""
        words = []
        for run in self.runs:
            if run.predicted is None or run.probabilities is None:
                words.append("–")
            else:
                share = (probability_of(run.probabilities, run.predicted) or 0.0) * 100
                words.append(f"{GOLD_NAMES[run.predicted]} {share:.0f}")
        return " · ".join(words)


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

    def _view(self, run: Run, premise: str, hypothesis: str, target: str) -> RunView:
        try:
            from nliexplorer.workflow.explain import explain_pair

            (found,) = explain_pair(
                [(run.name, self._model(run))], premise, hypothesis, target=target
            )
        except ImportError as error:
            return RunView(run.name, missing=f"the engine is not installed: {error.name}")
        except NliError as error:
            return RunView(run.name, missing=error.message)
        return RunView(run.name, found.predicted, found.probabilities, found.attribution)

    def _model(self, run: Run) -> Any:
        if run.id not in self._loaded:
            from nliexplorer.workflow.run_models import load_run

            self._loaded[run.id] = load_run(run)
        return self._loaded[run.id]
