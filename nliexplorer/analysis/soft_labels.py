"""A model's probabilities against the labels of many annotators (ChaosNLI; Nie et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.bootstrap import (
    percentile_interval,
    percentile_p,
    resamples_for,
    weighted_sums,
)
from nliexplorer.analysis.metric_specs import SOFT_METRICS, spec_of
from nliexplorer.analysis.outputs import PROBABILITY_FLOOR, FloatArray
from nliexplorer.analysis.seeds import benjamini_hochberg
from nliexplorer.analysis.significance import MetricDifference
from nliexplorer.analysis.verdict import FEW_PAIRS, UNDECIDED, verdict
from nliexplorer.errors import NliError

_EVEN = 1e-12  # entropies that vary less do not vary


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


@dataclass(frozen=True, slots=True, eq=False)
class SoftValues:
    """What a model's figures are means of: a value for each of n pairs [n]."""

    kl: FloatArray
    jsd: FloatArray
    human_entropy: FloatArray
    model_entropy: FloatArray

    @property
    def cross_entropy(self) -> FloatArray:
        return self.kl + self.human_entropy

    @property
    def metrics(self) -> SoftMetrics:
        from scipy.stats import spearmanr

        varies = np.ptp(self.human_entropy) > _EVEN and np.ptp(self.model_entropy) > _EVEN
        rho = spearmanr(self.human_entropy, self.model_entropy).statistic if varies else None
        return SoftMetrics(
            n=len(self.kl),
            cross_entropy=float(self.cross_entropy.mean()),
            kl=float(self.kl.mean()),
            jsd=float(self.jsd.mean()),
            entropy_correlation=None if rho is None else float(rho),
        )


def soft_values(model: npt.ArrayLike, human: npt.ArrayLike) -> SoftValues:
    """`model` and `human` [n, classes]: one distribution a row. Raises NliError where none is."""
    from scipy.special import rel_entr

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
    middle = (p + q) / 2.0
    divergence = (rel_entr(p, middle).sum(axis=1) + rel_entr(q, middle).sum(axis=1)) / 2.0
    return SoftValues(
        kl=rel_entr(q, np.maximum(p, PROBABILITY_FLOOR)).sum(axis=1),
        jsd=np.sqrt(np.maximum(divergence, 0.0)),
        human_entropy=entropy(q),
        model_entropy=entropy(p),
    )


@dataclass(frozen=True, slots=True)
class SoftDifference(MetricDifference):
    """B − A of one figure, by a paired bootstrap over the annotated pairs.

    `q`: p adjusted by Benjamini–Hochberg over the family of SOFT_METRICS, in which cross-entropy
    and KL count once: the humans' entropy is the same for both runs, so their differences are too.
    """

    q: float | None = None


#: In words, for tables.
SOFT_FAMILY = (
    "q: Benjamini–Hochberg over cross-entropy, JSD and entropy correlation (the difference in KL "
    "is that in cross-entropy)"
)
_TESTED_AS = {"kl": "cross_entropy"}


def soft_differences(
    a: SoftValues, b: SoftValues, resamples: int | None = None, seed: int = 0
) -> tuple[SoftDifference, ...]:
    """B − A of each of SOFT_METRICS on the same n pairs, decided by interval and q together.

    Means are resampled exactly, the correlation by its influence function (as AUC is, see
    `bootstrap`).
    """
    of_a, of_b = a.metrics, b.metrics
    columns = {"cross_entropy": b.cross_entropy - a.cross_entropy, "jsd": b.jsd - a.jsd}
    if of_a.entropy_correlation is not None and of_b.entropy_correlation is not None:
        moves_a, moves_b = (spearman_influence(v.human_entropy, v.model_entropy) for v in (a, b))
        rise = of_b.entropy_correlation - of_a.entropy_correlation
        columns["entropy_correlation"] = rise + moves_b - moves_a
    sampled = _resampled(columns, resamples, seed)
    adjusted = benjamini_hochberg([p for _, _, p in sampled.values()]).tolist()
    q_of = dict(zip(sampled, adjusted, strict=True))
    rows = []
    for name in SOFT_METRICS:
        x, y = getattr(of_a, name), getattr(of_b, name)
        tested = _TESTED_AS.get(name, name)
        if tested not in sampled:
            rows.append(SoftDifference(name, x, y, None if None in (x, y) else y - x))
            continue
        low, high, p = sampled[tested]
        q, decided = q_of[tested], UNDECIDED
        if of_a.n >= FEW_PAIRS:
            decided = verdict(low, high, lower_is_better=spec_of(name).lower_is_better, p=q)
        rows.append(SoftDifference(name, x, y, y - x, low, high, p, decided, q))
    return tuple(rows)


def _resampled(
    columns: Mapping[str, FloatArray], resamples: int | None, seed: int
) -> dict[str, tuple[float, float, float]]:
    """95 % interval and p of the mean of each column [n]; none for fewer than two pairs."""
    stacked = list(columns.values())
    n = len(stacked[0])
    if n < 2:
        return {}
    sums = weighted_sums(stacked, resamples or resamples_for(n), seed)
    draws = (sums[:, :-1] / sums[:, -1:]).T
    return {
        name: (*percentile_interval(each), percentile_p(each))
        for name, each in zip(columns, draws, strict=True)
    }


def spearman_influence(x: FloatArray, y: FloatArray) -> FloatArray:
    """How much each pair [n] moves Spearman's rank correlation, to first order; its mean is 0.

    ρ is a function of E[FG], E[F²] and E[G²], where F and G are the mid-distribution functions; a
    pair counts in each by its own ranks and by how it moves those of the others.
    """
    from scipy.stats import rankdata

    n = len(x)
    f, g = (np.asarray(rankdata(each) - 0.5) / n for each in (x, y))

    def passed_on(values: FloatArray, heights: FloatArray) -> FloatArray:
        """Mean over pairs of `heights` where theirs is above the value, half where it is equal."""
        _, group = np.unique(values, return_inverse=True)
        sums = np.bincount(group, heights)
        above = sums.sum() - np.cumsum(sums)
        return np.asarray((above + sums / 2.0)[group] / n)

    covariance = (f * g).mean() - 0.25
    spread = [(each**2).mean() - 0.25 for each in (f, g)]
    of_covariance = f * g + passed_on(x, g) + passed_on(y, f)
    of_spread = [each**2 + 2.0 * passed_on(v, each) for v, each in ((x, f), (y, g))]
    scale = float(np.sqrt(spread[0] * spread[1]))
    rho = covariance / scale
    influence = of_covariance / scale
    for part, size in zip(of_spread, spread, strict=True):
        influence = influence - rho / 2.0 * part / size
    return np.asarray(influence - influence.mean())
