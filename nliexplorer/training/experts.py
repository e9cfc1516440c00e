"""Experts for debiasing: how easy each training pair is to one who sees a part of it only.

Their probabilities are fixed before training, out of fold, so that they have seen no pair that
they judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nliexplorer.analysis.outputs import log_softmax
from nliexplorer.errors import unknown_name
from nliexplorer.records import LABELS, Example

#: An expert is never surer than this of being wrong: its logarithm stays finite.
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class Expert:
    """What a biased model says of each training pair."""

    log_probabilities: NDArray[np.float32]  # [n, C]
    accuracy: float  # out of fold
    majority: float

    def as_dict(self) -> dict[str, float]:
        return {"expert_accuracy": self.accuracy, "expert_majority": self.majority}


def _hypothesis(examples: Sequence[Example], labels: ArrayLike) -> NDArray[np.float64]:
    """Words and word pairs of the hypothesis (TF-IDF, logistic regression)."""
    from nliexplorer.analysis.shortcuts import hypothesis_only

    return hypothesis_only([each.hypothesis for each in examples], labels).probabilities


def _overlap(examples: Sequence[Example], labels: ArrayLike) -> NDArray[np.float64]:
    """Lexical overlap, subsequence, negation and lengths (logistic regression)."""
    from nliexplorer.analysis.overlap import overlap_only

    premises, hypotheses = zip(*((e.premise, e.hypothesis) for e in examples), strict=True)
    return overlap_only(premises, hypotheses, labels)


#: Out-of-fold P(label) [n, 3] of the training pairs.
EXPERTS: dict[str, Callable[[Sequence[Example], ArrayLike], NDArray[np.float64]]] = {
    "hypothesis": _hypothesis,
    "overlap": _overlap,
}


def joint_expert(
    names: Sequence[str],
    examples: Sequence[Example],
    labels: ArrayLike,
    classes: int = len(LABELS),
    temperature: float = 1.0,
) -> Expert:
    """The normalised product of the named experts, p_b proportional to prod_k p_k^(1/T).

    `temperature` T above 1 makes each less sure; `labels` are 0 … `classes` - 1. Raises NliError
    for an unknown expert, and where pairs are too few.
    """
    gold = np.asarray(labels)
    total = np.zeros((gold.size, classes))
    for name in names:
        if name not in EXPERTS:
            raise unknown_name("expert", name, tuple(EXPERTS))
        clipped = np.clip(EXPERTS[name](examples, gold)[:, :classes], _LEAST, None)
        total += np.log(clipped / clipped.sum(1, keepdims=True)) / temperature
    total = log_softmax(total)
    majority = float(np.bincount(gold).max() / gold.size)
    return Expert(total.astype(np.float32), float((total.argmax(1) == gold).mean()), majority)
