"""Metrics against human label distributions: closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import spearmanr

from nliexplorer.analysis.metric_specs import SOFT_METRICS
from nliexplorer.analysis.soft_labels import (
    SoftValues,
    soft_differences,
    soft_values,
    spearman_influence,
)
from nliexplorer.analysis.verdict import BETTER, UNDECIDED
from nliexplorer.annotators import label_distribution
from nliexplorer.errors import NliError


def test_shares() -> None:
    assert label_distribution((0, 0, 1, 2, 0)) == pytest.approx((0.6, 0.2, 0.2))
    assert label_distribution((2,)) is None
    assert label_distribution((0, 3)) == (0.5, 0.5)
    assert label_distribution((0, 3), classes=3) is None
    assert label_distribution((0, 1), classes=2) == (0.5, 0.5)


def test_a_perfect_model() -> None:
    human = [[0.6, 0.2, 0.2], [1.0, 0.0, 0.0], [0.2, 0.4, 0.4]]
    same = soft_values(human, human).metrics
    assert same.kl == pytest.approx(0.0, abs=1e-9)
    assert same.jsd == pytest.approx(0.0, abs=1e-6)
    assert same.entropy_correlation == pytest.approx(1.0)


def test_one_pair_by_hand() -> None:
    measured = soft_values([[0.5, 0.25, 0.25]], [[1.0, 0.0, 0.0]]).metrics
    assert measured.cross_entropy == measured.kl == pytest.approx(math.log(2))
    assert measured.jsd == pytest.approx(jensenshannon([0.5, 0.25, 0.25], [1.0, 0.0, 0.0]))
    assert measured.entropy_correlation is None


def test_against_scipy_on_random_rows() -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet([1, 1, 1], 200), rng.dirichlet([2, 1, 1], 200)
    measured = soft_values(p, q).metrics
    assert measured.jsd == pytest.approx(jensenshannon(p, q, axis=1).mean())
    assert measured.cross_entropy == pytest.approx(float(-(q * np.log(p)).sum(1).mean()))
    assert measured.kl < measured.cross_entropy


def test_a_sure_and_wrong_model_stays_finite() -> None:
    assert math.isfinite(soft_values([[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]).metrics.kl)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(NliError, match="no pair has several annotators"):
        soft_values(np.empty((0, 3)), np.empty((0, 3)))
    with pytest.raises(NliError, match="sum to 1"):
        soft_values([[0.2, 0.3, 0.5]], [[3.0, 1.0, 1.0]])
    with pytest.raises(NliError, match="human shares"):
        soft_values([[0.2, 0.8]], [[0.3, 0.3, 0.4]])


def values_of(n: int, seed: int, noise: float) -> tuple[SoftValues, SoftValues]:
    """Two models' values on n pairs of five annotators, whose entropies are much tied."""
    rng = np.random.default_rng(seed)
    human = rng.multinomial(5, (0.6, 0.25, 0.15), n) / 5
    near = 0.7 * human + 0.3 * rng.dirichlet((1, 1, 1), n)
    far = (1 - noise) * near + noise * rng.dirichlet((1, 1, 1), n)
    return soft_values(far, human), soft_values(near, human)


def test_the_influence_of_pairs_on_the_rank_correlation() -> None:
    """To first order: leaving a pair out moves ρ by minus its influence over n - 1."""
    values, _ = values_of(400, 0, 0.5)
    x, y = values.human_entropy, values.model_entropy
    influence = spearman_influence(x, y)
    assert influence.mean() == pytest.approx(0.0, abs=1e-12)
    rho = spearmanr(x, y).statistic
    without = [spearmanr(np.delete(x, i), np.delete(y, i)).statistic for i in range(60)]
    assert np.array(without) - rho == pytest.approx(-influence[:60] / 399, abs=2e-5)


def test_intervals_are_those_of_plain_resampling() -> None:
    a, b = values_of(300, 1, 0.3)
    rows = {row.name: row for row in soft_differences(a, b, resamples=4_000)}
    rng = np.random.default_rng(2)
    draws = []
    for _ in range(1_500):
        i = rng.integers(0, 300, 300)
        of_a, of_b = (
            SoftValues(v.kl[i], v.jsd[i], v.human_entropy[i], v.model_entropy[i]).metrics
            for v in (a, b)
        )
        draws.append([getattr(of_b, m) - getattr(of_a, m) for m in SOFT_METRICS])
    for name, of_metric in zip(SOFT_METRICS, np.array(draws).T, strict=True):
        row = rows[name]
        low, high = np.quantile(of_metric, (0.025, 0.975))
        assert row.ci_low is not None
        assert row.ci_high is not None
        assert row.ci_high - row.ci_low == pytest.approx(high - low, rel=0.12)
        assert (row.ci_low, row.ci_high) == pytest.approx((low, high), abs=0.12 * (high - low))
        assert row.q is not None
        assert row.p is not None
        assert row.q >= row.p
        assert row.verdict == BETTER
    assert rows["kl"].q == rows["cross_entropy"].q


def test_few_pairs_and_no_spread_decide_nothing() -> None:
    a, b = values_of(12, 3, 0.9)
    assert {row.verdict for row in soft_differences(a, b)} == {UNDECIDED}
    same = soft_differences(a, a)
    assert {row.delta for row in same} == {0.0}
    alone = SoftValues(*(v[:1] for v in (a.kl, a.jsd, a.human_entropy, a.model_entropy)))
    assert {row.ci_low for row in soft_differences(alone, alone)} == {None}
