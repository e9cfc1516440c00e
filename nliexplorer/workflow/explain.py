"""Pairs explained at once by one or more models; nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nliexplorer.analysis.outputs import softmax
from nliexplorer.attribution.baseline import AUTO
from nliexplorer.attribution.methods import attribute
from nliexplorer.inference import predict
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
    """What a model says of a pair, and why: an element of `explain --json`."""

    run: str
    predicted: int
    probabilities: tuple[float, ...]
    attribution: Attribution

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
) -> list[Explanation]:
    """One explanation a (name, classifier), of the predicted class or the label `target`."""
    example = Example(premise, hypothesis, None)
    explanations = []
    for name, classifier in classifiers:
        logits = predict(classifier, [(premise, hypothesis)])
        ((_, attribution),) = attribute(
            classifier, [example], method=method, target=target, steps=steps, baseline=baseline
        )
        predicted = classifier.classes[logits[0].argmax()]
        probabilities = tuple(softmax(logits)[0].tolist())
        explanations.append(Explanation(name, predicted, probabilities, attribution))
    return explanations


def explain_examples(
    runs: Sequence[Run], examples: Sequence[Example], steps: int
) -> list[tuple[RunView, ...]]:
    """Each example under each run's model, the gold class explained."""
    models = [(run.name, load_run(run, "cpu")) for run in runs]
    return [
        tuple(
            RunView(each.run, each.predicted, each.probabilities, each.attribution)
            for each in explain_pair(
                models,
                example.premise,
                example.hypothesis,
                target=GOLD_NAMES[example.gold],
                steps=steps,
            )
        )
        for example in examples
    ]
