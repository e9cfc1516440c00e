"""The z-filter and the overlap features against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from nliexplorer.analysis.overlap import FEATURES, overlap_features
from nliexplorer.analysis.z_filter import surface_features, z_filter, z_statistic


def test_z_is_that_of_a_proportion() -> None:
    assert z_statistic(8, 12, 1 / 3) == pytest.approx((8 / 12 - 1 / 3) / np.sqrt(2 / 9 / 12))
    # of a fair feature with many pairs it is standard normal
    draws = np.random.default_rng(0).binomial(3000, 1 / 3, 4000)
    z = [z_statistic(count, 3000, 1 / 3) for count in draws]
    assert np.mean(np.array(z) > norm.ppf(0.975)) == pytest.approx(0.025, abs=0.01)


def test_no_feature_speaks_for_a_label_afterwards() -> None:
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 3, 1200)
    features = [
        {
            "cat" if draw.random() < 0.5 else "dog",
            *({"nobody"} if label == 2 or draw.random() < 0.2 else ()),
        }
        for label in labels
    ]
    kept = z_filter(features, labels, 3.0)
    shares = np.bincount(labels) / len(labels)
    for word in ("cat", "dog", "nobody"):
        rows = [row for row in np.flatnonzero(kept) if word in features[row]]
        counts = np.bincount(labels[rows], minlength=3)
        both = zip(counts.tolist(), shares.tolist(), strict=True)
        assert max(z_statistic(count, counts.sum(), share) for count, share in both) <= 3.0
    assert np.bincount(labels[kept]).min() > 50  # every label is left
    assert np.array_equal(kept, z_filter(features, labels, 3.0))  # the same every time
    assert z_filter(features, labels, 1e6).all()


def test_where_nothing_speaks_for_a_label_little_is_dropped() -> None:
    draw = np.random.default_rng(2)
    labels = draw.integers(0, 3, 1200)
    features = [{"cat" if draw.random() < 0.5 else "dog"} for _ in labels]
    assert (~z_filter(features, labels, 3.0)).mean() < 0.02


def test_surface_features() -> None:
    features = surface_features("A man sleeps here", "A man is not here")
    assert {"man", ("is", "not"), ("negation", True), ("words", 5), ("overlap", 6)} <= features


def test_overlap_features() -> None:
    def of(premise: str, hypothesis: str) -> dict[str, float]:
        return dict(zip(FEATURES, overlap_features(premise, hypothesis), strict=True))

    same = of("The man saw the dog .", "the dog")
    assert same["share of hypothesis words in the premise"] == 1.0
    assert same["hypothesis is a part of the premise, word by word"] == 1.0
    assert same["hypothesis words a premise word"] == pytest.approx(2 / 5)
    apart = of("The man saw the dog .", "The man the dog .")
    assert apart["hypothesis is a part of the premise, word by word"] == 0.0
    assert apart["hypothesis words stand in the premise in this order"] == 1.0
    swapped = of("The man saw the dog .", "The dog saw the man .")
    assert swapped["all of them"] == 1.0
    assert swapped["hypothesis words stand in the premise in this order"] == 0.0
    assert of("A man", "Nobody")["negation in the hypothesis"] == 1.0
