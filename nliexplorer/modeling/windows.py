"""Premises longer than a model's limit, read window by window, as document NLI does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import layout
from nliexplorer.records import CONTRADICTION, ENTAILMENT, TWO_WAY

_WHOLE = 1_000_000  # tokens: no pair is cut at this length


def premise_windows(classifier: Classifier, premise: str, hypothesis: str) -> list[str]:
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
        return [premise]
    step = room // 2
    starts = [*range(0, len(spans) - room, step), len(spans) - room]
    return [premise[spans[start][0] : spans[start + room - 1][1]] for start in starts]


def deciding_window(probabilities: NDArray[np.float64]) -> int:
    """Which of the windows [n, C] speaks for the pair.

    The one of the largest P(entailment) where any window says entailment, or of two classes; else
    the one of the largest P(contradiction).
    """
    entailed = bool((probabilities.argmax(1) == ENTAILMENT).any())
    two_way = probabilities.shape[1] == len(TWO_WAY)
    column = ENTAILMENT if entailed or two_way else CONTRADICTION
    return int(probabilities[:, column].argmax())
