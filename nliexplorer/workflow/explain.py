"""One typed pair, explained at once by one or more models; the store is not touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nliexplorer.analysis.outputs import softmax
from nliexplorer.attribution.methods import attribute
from nliexplorer.inference import predict
from nliexplorer.modeling.load import Classifier
from nliexplorer.records import ENTAILMENT, LABELS, Attribution, Example, token_dicts
from nliexplorer.workflow.attribute import DEFAULT_STEPS


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a model says of a pair, and why: an element of `explain --json`."""

    run: str
    predicted: int
    probabilities: tuple[float, float, float]
    attribution: Attribution

    def as_dict(self) -> dict[str, Any]:
        found = self.attribution
        return {
            "run": self.run,
            "predicted": LABELS[self.predicted],
            "probabilities": dict(zip(LABELS, self.probabilities, strict=True)),
            "target": LABELS[found.target],
            "method": found.method,
            "baseline": found.baseline,
            "steps": found.steps,
            "completeness_delta": found.completeness_delta,
            "tokens": token_dicts(found.tokens, found.segments, found.scores),
        }


def explain_pair(
    classifiers: Sequence[tuple[str, Classifier]],
    premise: str,
    hypothesis: str,
    *,
    target: str = "predicted",
    method: str = "integrated-gradients",
    baseline: str = "zero",
    steps: int = DEFAULT_STEPS,
) -> list[Explanation]:
    """One explanation a (name, classifier), of the predicted class or the label `target`."""
    example = Example(premise, hypothesis, ENTAILMENT)
    explanations = []
    for name, classifier in classifiers:
        logits = predict(classifier, [(premise, hypothesis)])
        first, second, third = softmax(logits)[0].tolist()
        ((_, attribution),) = attribute(
            classifier, [example], method=method, target=target, steps=steps, baseline=baseline
        )
        explanations.append(
            Explanation(name, int(logits[0].argmax()), (first, second, third), attribution)
        )
    return explanations
