"""Premises longer than a model's limit, read window by window, as document NLI does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import layout, word_at
from nliexplorer.records import CONTRADICTION, ENTAILMENT, TWO_WAY, Attribution, Example, Window
from nliexplorer.wording import fine_word_spans

#: First and last character + 1 of a part of a premise.
Span = tuple[int, int]
_WHOLE = 1_000_000  # tokens: no pair is cut at this length


def premise_windows(classifier: Classifier, premise: str, hypothesis: str) -> list[Span]:
    """Parts of the premise that each fit beside the hypothesis, neighbours sharing half.

    In their order; every token of the premise is in one of them. The whole premise alone where the
    pair fits, or where the hypothesis leaves no room for two tokens.
    """
    whole = layout(classifier.tokenizer, premise, hypothesis, _WHOLE)
    spans = [
        span
        for span, segment in zip(whole.spans, whole.segments, strict=True)
        if segment == "premise"
    ]
    room = classifier.max_length - (len(whole.tokens) - len(spans))
    if len(spans) <= room or room < 2:
        return [(0, len(premise))]
    step = room // 2
    starts = [*range(0, len(spans) - room, step), len(spans) - room]
    return [(spans[start][0], spans[start + room - 1][1]) for start in starts]


def deciding_window(probabilities: NDArray[np.float64]) -> int:
    """Which of the windows [n, C] decides for the pair, from 0.

    The one of the largest P(entailment) where any window says entailment, or of two classes; else
    the one of the largest P(contradiction).
    """
    entailed = bool((probabilities.argmax(1) == ENTAILMENT).any())
    two_way = probabilities.shape[1] == len(TWO_WAY)
    column = ENTAILMENT if entailed or two_way else CONTRADICTION
    return int(probabilities[:, column].argmax())


def window_span(classifier: Classifier, example: Example, window: Window) -> Span:
    """Where the window lies in the premise.

    Raises NliError where the model reads the premise by other windows than it once did.
    """
    spans = premise_windows(classifier, example.premise, example.hypothesis)
    if window.number > len(spans) or window.count not in (None, len(spans)):
        raise NliError(
            f"{classifier.name} reads a premise by {len(spans)} windows, and {window} decided",
            "its tokenizer has changed since: evaluate with --windows again",
        )
    return spans[window.number - 1]


def in_window(example: Example, span: Span) -> Example:
    """The pair with that part of its premise alone; without rationales, whose words are counted in
    the whole premise.
    """
    part = example.premise[slice(*span)]
    return replace(example, premise=part, premise_rationale=(), hypothesis_rationale=())


def in_whole_premise(
    attribution: Attribution, premise: str, span: Span, window: Window
) -> Attribution:
    """The attribution of a pair `in_window`, with characters and words of the whole premise."""
    first = span[0]
    ends = [end for _, end in fine_word_spans(premise)]
    spans, word_ids = list(attribution.spans), list(attribution.word_ids)
    for place, segment in enumerate(attribution.segments):
        if segment == "premise":
            begin, end = spans[place]
            spans[place] = (begin + first, end + first)
            word_ids[place] = word_at(ends, begin + first)
    return replace(attribution, spans=tuple(spans), word_ids=tuple(word_ids), window=window)
