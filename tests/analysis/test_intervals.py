from statistics import stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from nliexplorer.analysis.intervals import mean_t_interval, newcombe_paired, wilson


@given(st.integers(1, 2000), st.floats(0, 1))
def test_wilson_agrees_with_scipy(n: int, share: float) -> None:
    k = round(share * n)
    expected = binomtest(k, n).proportion_ci(method="wilson")
    low, high = wilson(k, n)
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert low <= k / n <= high


def test_wilson_of_nothing_is_everything() -> None:
    low, high = wilson([0], [0])
    assert (low[0], high[0]) == (0.0, 1.0)


def test_mean_over_seeds() -> None:
    values = [0.89, 0.90, 0.92]
    mean, half = mean_t_interval(values)
    low, high = t.interval(0.95, 2, loc=mean, scale=stdev(values) / 3**0.5)
    assert (mean - (half or 0), mean + (half or 0)) == pytest.approx((low, high))
    assert mean_t_interval([0.5]) == (0.5, None)


@pytest.mark.parametrize(
    "cells",  # both right, a only, b only, neither; as models that nearly always agree
    [(0.88, 0.01, 0.015, 0.095), (0.88, 0.001, 0.003, 0.116), (0.9, 0.0, 0.004, 0.096)],
)
@pytest.mark.parametrize("n", [30, 1500])
def test_paired_score_interval_covers_where_nearly_all_pairs_agree(
    cells: tuple[float, ...], n: int
) -> None:
    rng = np.random.default_rng(0)
    truth = cells[2] - cells[1]
    covered = 0
    for draw in rng.multinomial(n, cells, size=400):
        low, high = newcombe_paired(*draw.tolist())
        covered += low <= truth <= high
    assert covered >= 0.93 * 400


@given(*[st.integers(0, 60)] * 4)
def test_paired_score_interval_holds_its_estimate_and_turns_with_the_runs(
    both: int, only_a: int, only_b: int, neither: int
) -> None:
    n = both + only_a + only_b + neither
    if not n:
        return
    low, high = newcombe_paired(both, only_a, only_b, neither)
    assert -1 <= low <= (only_b - only_a) / n <= high <= 1
    assert low < high
    assert newcombe_paired(both, only_b, only_a, neither) == pytest.approx((-high, -low))


def test_four_fixed_and_none_broken_of_1500_include_zero() -> None:
    low, high = newcombe_paired(1350, 0, 4, 146)
    assert low < 0 < high
