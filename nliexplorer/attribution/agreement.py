"""Agreement of a method's top words with rationales by people or by the corpus's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from nliexplorer.analysis.controlled_measures import Measure, measure
from nliexplorer.analysis.plausibility import (
    Plausibility,
    dynamic_k,
    plausibility,
    whitespace_word_scores,
)
from nliexplorer.records import Attribution, Example, is_correct

_NAMES = {"token_f1": "token F1", "iou": "IOU", "auprc": "AUPRC"}
#: Word numbers of the hypothesis's first word on are behind the premise's.
Rationale = tuple[int, ...]


def plausibility_measures(
    examples: Sequence[Example],
    predicted: Sequence[int],
    attributions: Sequence[Attribution],
    control: Sequence[Attribution],
) -> list[Measure]:
    """Token F1, IOU and AUPRC for each annotator; nothing where no pair has a rationale.

    Rationales speak for the gold label, so that only pairs predicted rightly count.
    """
    right = [
        row
        for row, example in enumerate(examples)
        if example.label is not None and is_correct(predicted[row], example.label)
    ]
    marked = {row: annotators(examples[row]) for row in right}
    most = max((len(each) for each in marked.values()), default=0)
    measures: list[Measure] = []
    for number in range(most):
        rows = [row for row in right if len(marked[row]) > number and marked[row][number]]
        rationales = [marked[row][number] for row in rows]
        share = dynamic_k(rationales, [examples[row].length for row in rows])
        own, random = (
            [
                _agreement(each[row], examples[row], rationale, share)
                for row, rationale in zip(rows, rationales, strict=True)
            ]
            for each in (attributions, control)
        )
        who = f" (annotator {number + 1})" if most > 1 else ""
        measures += [
            measure(
                f"plausibility {_NAMES[field.name]}{who}",
                [_value(each, field.name) for each in own],
                [_value(each, field.name) for each in random],
            )
            for field in fields(Plausibility)
        ]
    return measures


def _value(agreement: Plausibility | None, name: str) -> float | None:
    value: float | None = getattr(agreement, name) if agreement else None
    return value


def annotators(example: Example) -> list[Rationale]:
    """Each annotator's words over both sentences; the pair's own rationale where there is one."""
    offset = len(example.premise.split())
    highlights = example.extra.get("highlights")
    if highlights:
        return [
            (*mark["premise"], *(word + offset for word in mark["hypothesis"]))
            for mark in highlights
        ]
    own = (*example.premise_rationale, *(word + offset for word in example.hypothesis_rationale))
    return [own] if own else []


def _agreement(
    attribution: Attribution, example: Example, rationale: Rationale, share: float
) -> Plausibility | None:
    scores = whitespace_word_scores(attribution, example.premise, example.hypothesis)
    return plausibility(np.concatenate(scores), rationale, share)
