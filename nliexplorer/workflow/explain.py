"""Pairs explained at once by one or more models; nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nliexplorer.analysis.outputs import softmax
from nliexplorer.attribution.baseline import AUTO
from nliexplorer.attribution.methods import attribute
from nliexplorer.inference import predict_pairs
from nliexplorer.modeling.load import Classifier
from nliexplorer.records import (
    GOLD_NAMES,
    Attribution,
    Example,
    Run,
    named_scores,
    token_dicts,
)
from nliexplorer.view.pair import RunView
from nliexplorer.workflow.attribute import DEFAULT_STEPS
from nliexplorer.workflow.run_models import load_run


@dataclass(frozen=True, slots=True)
class Explanation:
    """A model's prediction of a pair with its attribution: an element of `explain --json`."""

    run: str
    predicted: int
    probabilities: tuple[float, ...]
    attribution: Attribution

    @property
    def view(self) -> RunView:
        """As the terminal draws it."""
        attribution = self.attribution
        return RunView(
            self.run, self.predicted, self.probabilities, attribution, window=attribution.window
        )

    def as_dict(self) -> dict[str, Any]:
        attribution = self.attribution
        return {
            "run": self.run,
            "predicted": GOLD_NAMES[self.predicted],
            "probabilities": named_scores(self.probabilities),
            "target": GOLD_NAMES[attribution.target],
            "method": attribution.method,
            "baseline": attribution.baseline,
            "steps": attribution.steps,
            "completeness_delta": attribution.completeness_delta,
            **(attribution.window.as_dict() if attribution.window else {}),
            "tokens": token_dicts(attribution.tokens, attribution.segments, attribution.scores),
        }


def explain_pair(
    classifiers: Sequence[tuple[str, Classifier]],
    premise: str,
    hypothesis: str,
    *,
    target: str = "predicted",
    method: str = "integrated-gradients",
    baseline: str = AUTO,
    steps: int = DEFAULT_STEPS,
    windows: bool = False,
) -> list[Explanation]:
    """One explanation per (name, classifier), of the predicted class or the label `target`.

    `windows`: a premise beyond a model's limit is read by windows, and the deciding one explained.
    """
    example = Example(premise, hypothesis, None)
    explanations = []
    for name, classifier in classifiers:
        read = predict_pairs(classifier, [(premise, hypothesis)], windows=windows)
        ((_, attribution),) = attribute(
            classifier,
            [example],
            method=method,
            target=target,
            steps=steps,
            baseline=baseline,
            windows=read.windows,
        )
        predicted = classifier.classes[read.logits[0].argmax()]
        probabilities = tuple(softmax(read.logits)[0].tolist())
        explanations.append(Explanation(name, predicted, probabilities, attribution))
    return explanations


def explain_examples(
    runs: Sequence[Run], examples: Sequence[Example], steps: int, windows: Sequence[bool] = ()
) -> list[tuple[RunView, ...]]:
    """Each example under each run's model, the gold class explained.

    `windows`: for each run, whether it reads long premises by windows.
    """
    models = [(run.name, load_run(run, "cpu")) for run in runs]
    by_windows = windows or [False] * len(runs)
    return [
        tuple(
            explain_pair(
                [model],
                example.premise,
                example.hypothesis,
                target=GOLD_NAMES[example.gold],
                steps=steps,
                windows=read_by_windows,
            )[0].view
            for model, read_by_windows in zip(models, by_windows, strict=True)
        )
        for example in examples
    ]
