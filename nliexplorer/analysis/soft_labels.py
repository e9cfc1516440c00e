"""A model's probabilities against the labels of many annotators (ChaosNLI; Nie et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import PROBABILITY_FLOOR, FloatArray
from nliexplorer.errors import NliError

#: The figures of SoftMetrics, in the order of every table.
SOFT_METRICS = ("cross_entropy", "kl", "jsd", "entropy_correlation")


@dataclass(frozen=True, slots=True)
class SoftMetrics:
    """Means over n pairs with human label distributions; all logarithms are natural.

    `cross_entropy` = -sum human log model; `kl` = KL(human || model), the cross-entropy less the
    humans' entropy; `jsd`: Jensen-Shannon distance, the square root of the divergence, as ChaosNLI
    reports it. `entropy_correlation`: Spearman's, of the model's entropy with the humans'; None
    where either does not vary.
    """

    n: int
    cross_entropy: float
    kl: float
    jsd: float
    entropy_correlation: float | None

    def as_dict(self) -> dict[str, float | int | None]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def entropy(distributions: npt.ArrayLike) -> FloatArray:
    """Entropy of each row, nats."""
    from scipy.special import entr

    return np.asarray(entr(np.asarray(distributions, dtype=np.float64)).sum(axis=-1))


def soft_metrics(model: npt.ArrayLike, human: npt.ArrayLike) -> SoftMetrics:
    """`model` and `human` [n, classes]: one distribution a row. Raises NliError where none is."""
    from scipy.special import rel_entr
    from scipy.stats import spearmanr

    p, q = np.asarray(model, dtype=np.float64), np.asarray(human, dtype=np.float64)
    if p.shape != q.shape or p.ndim != 2:
        raise NliError(f"{p.shape} probabilities, but {q.shape} human shares", "pass one row each")
    if not len(p):
        raise NliError(
            "no pair has several annotators",
            "evaluate on data with annotator labels (SNLI has five)",
        )
    if (q < 0).any() or not np.allclose(q.sum(axis=1), 1.0, atol=1e-3):
        raise NliError("human label shares do not sum to 1", "give shares, or counts by label")
    floored = np.maximum(p, PROBABILITY_FLOOR)
    kl = rel_entr(q, floored).sum(axis=1)
    human_entropy, model_entropy = entropy(q), entropy(p)
    middle = (p + q) / 2.0
    divergence = (rel_entr(p, middle).sum(axis=1) + rel_entr(q, middle).sum(axis=1)) / 2.0
    varies = np.ptp(human_entropy) > 1e-12 and np.ptp(model_entropy) > 1e-12
    return SoftMetrics(
        n=len(p),
        cross_entropy=float((kl + human_entropy).mean()),
        kl=float(kl.mean()),
        jsd=float(np.sqrt(np.maximum(divergence, 0.0)).mean()),
        entropy_correlation=float(spearmanr(human_entropy, model_entropy).statistic)
        if varies
        else None,
    )
