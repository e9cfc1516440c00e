"""The filter `hypothesis-only:wrong`, the hard subset: a field that takes a fit to answer.

Importing this module registers it; the store knows no models.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache

from nliexplorer.store.filters.fields import Field, register

_one_fit = threading.Lock()


def solvable(hypotheses: Sequence[str], gold: Sequence[int]) -> tuple[bool, ...]:
    """[n] whether a model that never sees the premise gives the gold label, out of fold.

    Kept for the last few sets, whoever asks: a list asks for its count, its ids and its pages.
    """
    with _one_fit:  # the second of two threads finds what the first one fitted
        return _solvable(tuple(hypotheses), tuple(gold))


@lru_cache(maxsize=4)
def _solvable(hypotheses: tuple[str, ...], gold: tuple[int, ...]) -> tuple[bool, ...]:
    from nliexplorer.analysis.shortcuts import hypothesis_only  # brings scikit-learn

    return tuple(hypothesis_only(hypotheses, gold).correct.tolist())


register(
    Field(
        "hypothesis-only",
        "a model that never sees the premise is right, or wrong (the hard subset); fitted out of "
        "fold on the whole split",
        ("alone",),
        ("right", "wrong"),
        test="(p.example_id in (select value from json_each({fitted}))) = ({value} = 'right')",
        fit=solvable,
    )
)
