"""Faithfulness of an attribution method to a model, beside a random control."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nliexplorer.analysis.controlled_measures import Measure, measure
from nliexplorer.analysis.faithfulness import (
    aopc,
    comprehensiveness_keeps,
    leave_one_out_keeps,
    leave_one_out_tau,
    rationale_masks,
    sufficiency_keeps,
)
from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.analysis.outputs import BoolArray, FloatArray, softmax
from nliexplorer.analysis.plausibility import whitespace_word_scores
from nliexplorer.analysis.stability import rank_stability, surface_variants
from nliexplorer.attribution.agreement import plausibility_measures
from nliexplorer.attribution.baseline import AUTO, resolve_baseline
from nliexplorer.attribution.erasure import erased_probabilities
from nliexplorer.attribution.methods import attribute, checked_settings
from nliexplorer.inference import predict
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import EncodedPairs
from nliexplorer.records import Attribution, Example

CONTROL = "random"
_GROUP = 32  # pairs whose erased copies are held at once
_OF_CASE = ("lower case", "first letters swapped")  # the other surface changes: punctuation

#: Measure -> its value for one pair, None where undefined.
Values = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Every measure of a method beside the random control; classes explained are the predicted."""

    method: str
    baseline: str
    steps: int
    n: int
    measures: tuple[Measure, ...]
    completeness_delta: float | None  # mean |delta|, logits; None where the method has no axiom

    def as_dict(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "baseline": self.baseline,
            "steps": self.steps,
            "n": self.n,
            "completeness_delta": self.completeness_delta,
            "control": CONTROL,
            "measures": [each.as_dict() for each in self.measures],
        }


def measure_faithfulness(
    classifier: Classifier,
    examples: Sequence[Example],
    *,
    method: str = "integrated-gradients",
    baseline: str = AUTO,
    steps: int = 10,
    progress: Callable[[int, int], None] | None = None,
) -> Faithfulness:
    """Comprehensiveness and sufficiency (AOPC over 10 … 100 %), leave-one-out τ, stability, and
    plausibility where `examples` carry rationales; of the predicted class's probability.
    """
    _, baseline, steps = checked_settings(method, baseline, steps)
    own_setting = _Setting(method, resolve_baseline(classifier, baseline), steps)
    both = (own_setting, _Setting(*checked_settings(CONTROL)))
    values: tuple[list[Values], list[Values]] = ([], [])
    attributions: tuple[list[Attribution], list[Attribution]] = ([], [])
    answers: list[int] = []
    for group in _groups(examples):
        pair_group = _PairGroup(classifier, group)
        for setting, rows, collected in zip(both, values, attributions, strict=True):
            scored = pair_group.attributions(setting)
            rows += pair_group.measured(scored, setting)
            collected += scored
        answers += pair_group.classes
        if progress:
            progress(len(answers), len(examples))
    measures = [
        measure(
            name,
            [each[name] for each in values[0]],
            [each[name] for each in values[1]],
            higher_is_better=not spec_of(name).lower_is_better,
        )
        for name in (values[0][0] if examples else ())
    ]
    measures += plausibility_measures(examples, answers, *attributions)
    deltas = [
        each.completeness_delta for each in attributions[0] if each.completeness_delta is not None
    ]
    mean_delta = float(np.mean(np.abs(deltas))) if deltas else None
    return Faithfulness(*own_setting, len(answers), tuple(measures), mean_delta)


class _Setting(NamedTuple):
    method: str
    baseline: str
    steps: int


def _groups(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    for start in range(0, len(examples), _GROUP):
        yield examples[start : start + _GROUP]


def _explained(
    classifier: Classifier, examples: Sequence[Example], classes: Sequence[int], setting: _Setting
) -> list[Attribution]:
    """Attributions in order, each of the class given for its pair."""
    targeted = [replace(each, label=label) for each, label in zip(examples, classes, strict=True)]
    method, baseline, steps = setting
    attributions = dict(
        attribute(
            classifier, targeted, method=method, target="gold", baseline=baseline, steps=steps
        )
    )
    return [attributions[row] for row in range(len(targeted))]


class _PairGroup:
    """A group of pairs, what the model says of them, and what each word's absence costs."""

    def __init__(self, classifier: Classifier, examples: Sequence[Example]) -> None:
        self.classifier, self.examples = classifier, examples
        pairs = [(example.premise, example.hypothesis) for example in examples]
        self.encoded: EncodedPairs = classifier.encode(pairs)
        probabilities = softmax(predict(classifier, self.encoded))
        self.targets: NDArray[np.int64] = probabilities.argmax(1).astype(np.int64)
        self.classes = [classifier.classes[column] for column in self.targets]
        self.full: FloatArray = probabilities.max(1)
        self.special: list[BoolArray] = [
            self.encoded.segments[self.encoded.slice(row)] == 0 for row in range(len(examples))
        ]
        self.dropped = self._erased([leave_one_out_keeps(special) for special in self.special])

    def _erased(self, keeps: Sequence[BoolArray]) -> list[FloatArray]:
        return erased_probabilities(self.classifier, self.encoded, keeps, self.targets)

    def attributions(self, setting: _Setting) -> list[Attribution]:
        return _explained(self.classifier, self.examples, self.classes, setting)

    def measured(self, scored: Sequence[Attribution], setting: _Setting) -> list[Values]:
        """Every measure of each pair, but for plausibility."""
        values = self.erasure(scored)
        for name, of_pairs in self.stability(scored, setting).items():
            for each, value in zip(values, of_pairs, strict=True):
                each[f"stability ({name})"] = value
        return values

    def erasure(self, scored: Sequence[Attribution]) -> list[Values]:
        """The three measures that take words away."""
        rationales = [
            rationale_masks(each.scores, special)
            for each, special in zip(scored, self.special, strict=True)
        ]
        without_rationale = self._erased([comprehensiveness_keeps(masks) for masks in rationales])
        only_rationale = self._erased(
            [
                sufficiency_keeps(masks, special)
                for masks, special in zip(rationales, self.special, strict=True)
            ]
        )
        return [
            {
                "comprehensiveness": aopc(self.full[row], without_rationale[row]),
                "sufficiency": aopc(self.full[row], only_rationale[row]),
                "leave-one-out tau": leave_one_out_tau(
                    each.scores, self.special[row], self.full[row], self.dropped[row]
                ),
            }
            for row, each in enumerate(scored)
        ]

    def stability(
        self, scored: Sequence[Attribution], setting: _Setting
    ) -> dict[str, list[float | None]]:
        """Mean Spearman's ρ of the word scores before and after surface changes of each kind.

        None where the model sees none of them, as an uncased one sees no change of case.
        """
        rows, kinds, variants = self._variants()
        classes = [self.classes[row] for row in rows]
        after = _explained(self.classifier, variants, classes, setting)
        correlations: dict[str, list[list[float]]] = {
            kind: [[] for _ in scored] for kind in ("case", "punctuation")
        }
        for row, kind, variant, two in zip(rows, kinds, variants, after, strict=True):
            before = _word_scores(scored[row], self.examples[row])
            rho = rank_stability(before, _word_scores(two, variant))
            if rho is not None:
                correlations[kind][row].append(rho)
        return {
            kind: [float(np.mean(each)) if each else None for each in values]
            for kind, values in correlations.items()
        }

    def _variants(self) -> tuple[list[int], list[str], list[Example]]:
        """(row, kind of change, changed pair) of each surface change that changes the tokens."""
        made = [
            (row, "case" if name in _OF_CASE else "punctuation", _with_texts(example, pair))
            for row, example in enumerate(self.examples)
            for name, pair in surface_variants(example.premise, example.hypothesis).items()
        ]
        encoded = self.classifier.encode(
            [(variant.premise, variant.hypothesis) for _, _, variant in made]
        )
        visible = [
            each
            for number, each in enumerate(made)
            if not np.array_equal(
                encoded.ids[encoded.slice(number)], self.encoded.ids[self.encoded.slice(each[0])]
            )
        ]
        return [e[0] for e in visible], [e[1] for e in visible], [e[2] for e in visible]


def _with_texts(example: Example, pair: tuple[str, str]) -> Example:
    return replace(example, premise=pair[0], hypothesis=pair[1])


def _word_scores(attribution: Attribution, example: Example) -> FloatArray:
    return np.concatenate(whitespace_word_scores(attribution, example.premise, example.hypothesis))
