"""How likely each gold label is wrong, judged by one or several models' probabilities.

Self-confidence, normalised margin and the confident joint: Northcutt, Jiang & Chuang 2021,
"Confident Learning". The models must not have been trained on the pairs they judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import BoolArray, FloatArray, IntArray
from nliexplorer.errors import NliError, unknown_name

LabelScore = Literal["self-confidence", "normalised-margin"]
LABEL_SCORES: tuple[str, ...] = get_args(LabelScore)


@dataclass(frozen=True, slots=True, eq=False)
class LabelErrors:
    """How n gold labels look to the models; all [n].

    `score`: label quality in [0, 1], low where the label is likely wrong. `suggested`: the class
    the models would give instead. `flagged`: off the diagonal of the confident joint.
    """

    score: FloatArray
    suggested: IntArray
    flagged: BoolArray

    @property
    def order(self) -> IntArray:
        """[n] indices, the most suspicious label first; flagged ones before the others."""
        return np.lexsort((self.score, ~self.flagged)).astype(np.int64)


def label_errors(
    probabilities: npt.ArrayLike, gold: npt.ArrayLike, score: str = "self-confidence"
) -> LabelErrors:
    """Judges `gold` [n] by `probabilities` [n, classes], or [models, n, classes] to average.

    Self-confidence is P(gold); the normalised margin is (P(gold) - max P(other) + 1) / 2. A pair is
    flagged where the class that is probable enough, measured by the mean P(class) of the pairs
    labelled so, is not the gold one. Raises NliError for labels or shapes that do not fit.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    p = p.mean(axis=0) if p.ndim == 3 else p
    labels = np.asarray(gold, dtype=np.int64)
    if p.ndim != 2 or p.shape[0] != labels.size:
        raise NliError(
            f"{labels.size} labels, but probabilities {p.shape}", "pass one row per label"
        )
    if not labels.size:
        raise NliError("there are no pairs to judge", "evaluate the run on a split with labels")
    if labels.min() < 0 or labels.max() >= p.shape[1]:
        raise NliError(
            f"labels are not all between 0 and {p.shape[1] - 1}", "drop unlabelled pairs"
        )
    rows = np.arange(labels.size)
    of_gold = p[rows, labels]
    others = p.copy()
    others[rows, labels] = -np.inf
    suggested = others.argmax(axis=1)
    if score == "self-confidence":
        quality = of_gold
    elif score == "normalised-margin":
        quality = (of_gold - p[rows, suggested] + 1.0) / 2.0
    else:
        raise unknown_name("label score", score, LABEL_SCORES)
    return LabelErrors(quality, suggested.astype(np.int64), _off_diagonal(p, labels))


def _off_diagonal(p: FloatArray, labels: IntArray) -> BoolArray:
    """[n] whether a pair lies off the diagonal of the confident joint (Northcutt et al., eq. 1)."""
    classes = p.shape[1]
    present = np.bincount(labels, minlength=classes) > 0
    threshold = np.full(classes, np.inf)
    for label in np.flatnonzero(present):
        threshold[label] = p[labels == label, label].mean()
    confident = np.where(p >= threshold, p, -np.inf)
    confident_label = np.where(np.isfinite(confident).any(axis=1), confident.argmax(axis=1), labels)
    return np.asarray(confident_label != labels, dtype=np.bool_)


def disagreement_auc(score: npt.ArrayLike, agreement: npt.ArrayLike) -> float | None:
    """AUC of low label quality for pairs whose annotators were not unanimous.

    `agreement` [n]: share of annotators who gave the gold label, NaN where unknown. 0.5 is chance;
    None where all pairs agree or none does.
    """
    quality, share = np.asarray(score, dtype=np.float64), np.asarray(agreement, dtype=np.float64)
    known = np.isfinite(share)
    disputed = share[known] < 1.0
    if disputed.all() or not disputed.any():
        return None
    from nliexplorer.analysis.ranking import roc_auc

    return roc_auc(-quality[known], np.asarray(disputed, dtype=np.bool_))
