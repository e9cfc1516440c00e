"""The filter field `hypothesis-only`: whether a hypothesis-only model is right."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache

_one_fit = threading.Lock()


def solved_without_premise(hypotheses: Sequence[str], gold: Sequence[int]) -> tuple[bool, ...]:
    """[n] whether a model that never sees the premise gives the gold label, out of fold.

    Cached for the last few sets: a list needs it for its count, its ids and its pages.
    """
    with _one_fit:  # the second of two threads finds what the first one fitted
        return _solved(tuple(hypotheses), tuple(gold))


@lru_cache(maxsize=4)
def _solved(hypotheses: tuple[str, ...], gold: tuple[int, ...]) -> tuple[bool, ...]:
    from nliexplorer.analysis.shortcuts import hypothesis_only  # imports scikit-learn

    return tuple(hypothesis_only(hypotheses, gold).correct.tolist())
