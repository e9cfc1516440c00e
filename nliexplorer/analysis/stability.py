"""Surface changes that keep every word; a faithful attribution should hardly change."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

Pair = tuple[str, str]

_END = re.compile(r"[.!?…]+\s*$")


def surface_variants(premise: str, hypothesis: str) -> dict[str, Pair]:
    """The pair with other case or final punctuation, by name of the change; words correspond.

    Changes that leave the pair as it is are left out.
    """
    pair = (premise, hypothesis)
    changed: dict[str, Pair] = {
        "lower case": (premise.lower(), hypothesis.lower()),
        "first letters swapped": (_first_swapped(premise), _first_swapped(hypothesis)),
        "no final punctuation": (_END.sub("", premise), _END.sub("", hypothesis)),
        "final full stop": (_END.sub("", premise) + ".", _END.sub("", hypothesis) + "."),
        "final exclamation mark": (_END.sub("", premise) + "!", _END.sub("", hypothesis) + "!"),
    }
    words = [len(sentence.split()) for sentence in pair]
    return {
        name: variant
        for name, variant in changed.items()
        if variant != pair and [len(sentence.split()) for sentence in variant] == words
    }


def _first_swapped(text: str) -> str:
    return text[:1].swapcase() + text[1:]


def rank_stability(scores: npt.ArrayLike, perturbed: npt.ArrayLike) -> float | None:
    """Spearman's ρ between word scores [words] before and after a surface change.

    None where the words do not correspond, or either ranking is constant.
    """
    one, two = np.asarray(scores, dtype=np.float64), np.asarray(perturbed, dtype=np.float64)
    if one.shape != two.shape or one.size < 2 or np.ptp(one) == 0 or np.ptp(two) == 0:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(one, two).statistic)
