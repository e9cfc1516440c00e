"""Area under the ROC curve by ranks, with the placements that its bootstrap needs."""

from __future__ import annotations

import numpy as np

from nliexplorer.analysis.outputs import BoolArray, FloatArray

#: Of each positive the share of negatives below it, of each negative of positives above it.
Placements = tuple[FloatArray, FloatArray]


def placements(score: FloatArray, positive: BoolArray) -> Placements | None:
    """Placements by `score` [n] of the positives, and of the rest; in the order given.

    Ties count one half. The mean of either is the AUC; their spread gives its variance (DeLong et
    al. 1988). None where one of the classes is absent.
    """
    n = score.size
    n_positive = int(positive.sum())
    if not 0 < n_positive < n:
        return None
    order = np.argsort(score)
    ordered, is_positive = score[order], positive[order]
    starts = np.concatenate([[True], ordered[1:] != ordered[:-1]])  # of runs of equal scores
    first = np.flatnonzero(starts)
    end = np.append(first[1:], n)
    counted = np.concatenate([[0], np.cumsum(is_positive)])
    # positives below and up to each score: their sum counts a tied one once, one below twice
    twice_positives = counted[first] + counted[end]
    twice_negatives = first + end - twice_positives
    run = np.cumsum(starts) - 1
    placed = np.empty(n)
    placed[order] = np.where(
        is_positive,
        (twice_negatives / (2.0 * (n - n_positive)))[run],
        (1.0 - twice_positives / (2.0 * n_positive))[run],
    )
    return placed[positive], placed[~positive]


def roc_auc(score: FloatArray, positive: BoolArray) -> float | None:
    """AUC of `score` [n] for `positive` [n] against the rest; None where a class is absent."""
    return auc_of(placements(score, positive))


def auc_of(placed: Placements | None) -> float | None:
    """The mean of the positives' placements."""
    return None if placed is None else float(placed[0].mean())
