from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from nliexplorer.analysis.intervals import mean_t_interval, newcombe, wilson


@given(st.integers(1, 2000), st.floats(0, 1))
def test_wilson_agrees_with_scipy(n: int, share: float) -> None:
    k = round(share * n)
    wanted = binomtest(k, n).proportion_ci(method="wilson")
    low, high = wilson(k, n)
    assert (float(low), float(high)) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert low <= k / n <= high


def test_wilson_of_nothing_is_everything() -> None:
    low, high = wilson([0], [0])
    assert (low[0], high[0]) == (0.0, 1.0)


def test_newcombe_published_example() -> None:
    # Newcombe 1998, table II (a): 56/70 - 48/80, method 10
    low, high = newcombe(48, 80, 56, 70)
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_mean_over_seeds() -> None:
    values = [0.89, 0.90, 0.92]
    mean, half = mean_t_interval(values)
    low, high = t.interval(0.95, 2, loc=mean, scale=stdev(values) / 3**0.5)
    assert (mean - (half or 0), mean + (half or 0)) == pytest.approx((low, high))
    assert mean_t_interval([0.5]) == (0.5, None)
