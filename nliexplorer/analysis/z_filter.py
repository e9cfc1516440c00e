"""Dropping pairs until no simple feature speaks for a label by more than chance."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import BoolArray
from nliexplorer.wording import has_negation, lexical_overlap, words

_TENTHS = 10


def z_statistic(with_label: float, n: float, share: float) -> float:
    """z = (p - p0) / sqrt(p0 (1 - p0) / n) of a feature and a label (Gardner et al. 2021).

    p = `with_label` / n is the label's share among the n pairs that have the feature, p0 = `share`
    its share among all pairs, strictly between 0 and 1.
    """
    return float((with_label / n - share) / np.sqrt(share * (1 - share) / n))


def surface_features(premise: str, hypothesis: str) -> frozenset[Hashable]:
    """Words and word pairs of the hypothesis, its negation, its length, and its overlap in tenths
    (the task-independent features of Wu et al. 2022)."""
    tokens = words(hypothesis)
    overlap = int(lexical_overlap(premise, hypothesis) * _TENTHS)
    return frozenset(
        [
            *tokens,
            *pairwise(tokens),
            ("negation", has_negation(hypothesis)),
            ("words", len(tokens)),
            ("overlap", overlap),
        ]
    )


def z_filter(
    features: Sequence[Collection[Hashable]], gold: npt.ArrayLike, threshold: float, seed: int = 0
) -> BoolArray:
    """[n] which pairs are kept (Wu et al. 2022: z-filtering).

    Pairs are gone through once, in a random order that `seed` fixes. One is dropped if any of its
    features would then have z above `threshold` with its label among the pairs kept so far; else it
    is kept and counted. So every feature's z with every label ends at `threshold` or below, with
    p0 the label's share of all pairs; and less is dropped than by dropping every pair with such a
    feature at once, after which the feature would speak against the label.
    """
    labels = np.asarray(gold)
    shares = (np.bincount(labels) / max(1, labels.size)).tolist()
    kept = np.zeros(labels.size, dtype=bool)
    counts: dict[Hashable, list[int]] = {}
    for row in np.random.default_rng(seed).permutation(labels.size).tolist():
        label = int(labels[row])
        seen = [counts.setdefault(feature, [0] * len(shares)) for feature in features[row]]
        if shares[label] < 1 and any(
            z_statistic(each[label] + 1, sum(each) + 1, shares[label]) > threshold for each in seen
        ):
            continue
        kept[row] = True
        for each in seen:
            each[label] += 1
    return kept
