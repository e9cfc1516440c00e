"""Area under the ROC curve by ranks, with the placements that its bootstrap needs."""

from __future__ import annotations

import numpy as np

from nliexplorer.analysis.outputs import BoolArray, FloatArray


def placements(score: FloatArray, positive: BoolArray) -> tuple[FloatArray, FloatArray] | None:
    """Of each positive the share of negatives below it, of each negative of positives above.

    Ties count one half. The mean of either is the AUC; their spread gives its variance (DeLong et
    al. 1988). None where one of the classes is absent.
    """
    pos, neg = score[positive], score[~positive]
    if not pos.size or not neg.size:
        return None
    return _share_below(pos, neg), 1.0 - _share_below(neg, pos)


def roc_auc(score: FloatArray, positive: BoolArray) -> float | None:
    """AUC of `score` [n] for `positive` [n] against the rest; None where a class is absent."""
    pos, neg = score[positive], score[~positive]
    if not pos.size or not neg.size:
        return None
    return float(_share_below(pos, neg).mean())


def _share_below(values: FloatArray, others: FloatArray) -> FloatArray:
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return below / (2.0 * others.size)
