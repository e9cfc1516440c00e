"""Metrics against human label distributions: closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from nliexplorer.analysis.soft_labels import soft_metrics
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
    same = soft_metrics(human, human)
    assert same.kl == pytest.approx(0.0, abs=1e-9)
    assert same.jsd == pytest.approx(0.0, abs=1e-6)
    assert same.entropy_correlation == pytest.approx(1.0)


def test_one_pair_by_hand() -> None:
    measured = soft_metrics([[0.5, 0.25, 0.25]], [[1.0, 0.0, 0.0]])
    assert measured.cross_entropy == measured.kl == pytest.approx(math.log(2))
    assert measured.jsd == pytest.approx(jensenshannon([0.5, 0.25, 0.25], [1.0, 0.0, 0.0]))
    assert measured.entropy_correlation is None


def test_against_scipy_on_random_rows() -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet([1, 1, 1], 200), rng.dirichlet([2, 1, 1], 200)
    measured = soft_metrics(p, q)
    assert measured.jsd == pytest.approx(jensenshannon(p, q, axis=1).mean())
    assert measured.cross_entropy == pytest.approx(float(-(q * np.log(p)).sum(1).mean()))
    assert measured.kl < measured.cross_entropy


def test_a_sure_and_wrong_model_stays_finite() -> None:
    assert math.isfinite(soft_metrics([[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]).kl)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(NliError, match="no pair has several annotators"):
        soft_metrics(np.empty((0, 3)), np.empty((0, 3)))
    with pytest.raises(NliError, match="sum to 1"):
        soft_metrics([[0.2, 0.3, 0.5]], [[3.0, 1.0, 1.0]])
    with pytest.raises(NliError, match="human shares"):
        soft_metrics([[0.2, 0.8]], [[0.3, 0.3, 0.4]])
