"""The models behind the probe: loaded once, in the background, and only when they are needed.

This is the one module of the explorer that leads to torch, and only from inside its methods.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES, Run, classes_of, probability_of
from nliexplorer.view.pair import RunView
from nliexplorer.wording import without_word, word_spans


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
class WordEdit:
    """A pair with one word removed, or replaced by `other`, and what each run predicts then; None
    for a run that cannot."""

    segment: str  # premise or hypothesis
    word: str
    other: str
    premise: str
    hypothesis: str
    probabilities: tuple[tuple[float, ...] | None, ...] = ()

    def predicted(self, run: int) -> int | None:
        """The label with the highest probability."""
        probabilities = self.probabilities[run]
        if probabilities is None:
            return None
        return classes_of(probabilities)[probabilities.index(max(probabilities))]


def without_each_word(premise: str, hypothesis: str) -> list[WordEdit]:
    """The pair less each word that can be removed, hypothesis first."""
    edits = []
    for segment, sentence in (("hypothesis", hypothesis), ("premise", premise)):
        spans = word_spans(sentence)
        for start, end in spans if len(spans) > 1 else []:
            word, rest = sentence[start:end], without_word(sentence, start, end)
            if not any(map(str.isalnum, word)):  # punctuation that stands alone
                continue
            pair = (premise, rest) if segment == "hypothesis" else (rest, hypothesis)
            edits.append(WordEdit(segment, word, "", *pair))
    return edits


class Models:
    """Loaded classifiers by run id; usable from one worker thread at a time.

    `stage` says what is being done just now; any thread may read it.
    """

    def __init__(self) -> None:
        self.stage = ""
        self._loaded: dict[str, Any] = {}
        self._heads: dict[str, Any] = {}  # masked-LM heads; None where a checkpoint has none
        self._lock = threading.Lock()

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

    def edit_each_word(self, runs: Sequence[Run], premise: str, hypothesis: str) -> list[WordEdit]:
        """What each run predicts of the pair with one word changed, hypothesis first.

        Words are replaced by those that the masked-LM heads of the runs' own checkpoints give, and
        where no checkpoint has one removed. Raises NliError when no run has a model.
        """
        with self._lock:
            edits = self._substituted(runs, premise, hypothesis)
            edits = edits or without_each_word(premise, hypothesis)
            pairs = [(edit.premise, edit.hypothesis) for edit in edits]
            answers = [self._probabilities(run, pairs) for run in runs]
        if all(answer is None for answer in answers):
            raise NliError("no run has a model here", "train one: nliexplorer train")
        return [
            replace(edit, probabilities=tuple(a[index] if a else None for a in answers))
            for index, edit in enumerate(edits)
        ]

    def _substituted(self, runs: Sequence[Run], premise: str, hypothesis: str) -> list[WordEdit]:
        """Substitutes of all the heads, each pair once."""
        edits: dict[tuple[str, str], WordEdit] = {}
        for run in runs:
            head = self._head(run)
            self.stage = f"{run.name}: looking for words to put in place"
            for each in head.substitutes(premise, hypothesis) if head else ():
                edit = WordEdit(each.segment, each.word, each.other, each.premise, each.hypothesis)
                edits.setdefault((edit.premise, edit.hypothesis), edit)
        return list(edits.values())

    def _head(self, run: Run) -> Any:
        """The masked-LM head of the run's checkpoint; None where it has none, or no model."""
        if run.id not in self._heads:
            try:
                classifier = self._model(run)
                from nliexplorer.modeling.masked_lm import masked_head
            except (ImportError, NliError):
                return None
            self.stage = f"{run.name}: looking for a masked-language-model head"
            self._heads[run.id] = masked_head(Path(run.checkpoint), classifier)
        return self._heads[run.id]

    def _probabilities(
        self, run: Run, pairs: list[tuple[str, str]]
    ) -> list[tuple[float, ...]] | None:
        try:
            from nliexplorer.analysis.outputs import softmax
            from nliexplorer.inference import predict

            model = self._model(run)
            self.stage = f"{run.name}: asking about {len(pairs)} pairs"
            rows = softmax(predict(model, pairs)).tolist()
        except (ImportError, NliError):
            return None
        return [tuple(row) for row in rows]

    def _view(self, run: Run, premise: str, hypothesis: str, target: str) -> RunView:
        try:
            self.stage = "loading the engine"
            from nliexplorer.workflow.explain import explain_pair

            model = self._model(run)
            self.stage = f"asking {run.name}"
            (explanation,) = explain_pair([(run.name, model)], premise, hypothesis, target=target)
        except ImportError as error:
            return RunView(run.name, missing=f"the engine is not installed: {error.name}")
        except NliError as error:
            return RunView(run.name, missing=error.message)
        return explanation.view

    def _model(self, run: Run) -> Any:
        if run.id not in self._loaded:
            self.stage = f"loading {run.name}"
            from nliexplorer.workflow.run_models import load_run

            self._loaded[run.id] = load_run(run)
        return self._loaded[run.id]
