import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap, false_discovery_control, ttest_ind, ttest_rel
from sklearn.metrics import roc_auc_score

from nliexplorer.analysis.bootstrap import (
    bootstrap_weights,
    difference_intervals,
    mean_interval,
    resamples_for,
)
from nliexplorer.analysis.metrics import metrics_of, nll_each
from nliexplorer.analysis.outputs import outputs
from nliexplorer.analysis.seeds import benjamini_hochberg, compare_groups
from nliexplorer.analysis.significance import METRICS, common_pairs, compare, mcnemar_exact, outcome
from nliexplorer.errors import NliError
from tests.analysis.reference import reference, simulated_pair


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_exact_binomial_test(fixed: int, broken: int) -> None:
    wanted = binomtest(fixed, fixed + broken).pvalue if fixed + broken else 1.0
    assert mcnemar_exact(fixed, broken) == pytest.approx(wanted, rel=1e-9, abs=1e-300)


def test_mcnemar_on_the_papers_counts_and_on_very_many() -> None:
    assert mcnemar_exact(270, 226) == pytest.approx(0.053, abs=5e-4)
    wanted = binomtest(25_000, 50_500).pvalue
    assert mcnemar_exact(25_000, 25_500) == pytest.approx(wanted, rel=1e-7)


def test_reference_runs() -> None:
    gold, logits_a = reference("electra_small_a")
    _, logits_b = reference("hypothesis_only")
    a, b = outputs(gold, logits=logits_a), outputs(gold, logits=logits_b)
    found = compare(a, b, names=("electra", "hypothesis-only"))
    assert found.fixed + found.both_right == b.correct.sum()
    assert found.broken + found.both_right == a.correct.sum()
    assert found.fixed + found.broken + found.both_right + found.both_wrong == found.n == 9842
    assert found.resamples == 10_000
    delta = found.metric("accuracy")
    assert delta.delta == pytest.approx((983 - 2974) / 9842)
    interval = scipy_interval(b.correct.astype(float) - a.correct, 500)
    assert (delta.ci_low, delta.ci_high) == pytest.approx(interval, abs=1.5e-3)


def test_document_has_the_interface_names() -> None:
    a, b = simulated_pair(50)
    found = compare(a, b, seconds={"eval_seconds": (1.0, 3.0)}).as_dict()
    assert list(found)[:5] == ["a", "b", "split", "n", "fixed"]
    assert list(found)[5:10] == ["broken", "both_right", "both_wrong", "mcnemar_p", "metrics"]
    assert tuple(m["name"] for m in found["metrics"]) == (*METRICS, "eval_seconds")
    assert list(found["metrics"][0]) == ["name", "a", "b", "delta", "ci_low", "ci_high"]
    assert found["metrics"][-1]["delta"] == 2.0


@pytest.mark.parametrize("n", [300, 1100])  # multinomial and Poisson weights
def test_intervals_agree_with_resampling_rows(n: int) -> None:
    a, b = simulated_pair(n)
    found = difference_intervals(a, b, 4000)
    rng = np.random.default_rng(9)
    draws: dict[str, list[float]] = {name: [] for name in METRICS}
    for _ in range(500):
        rows = rng.integers(0, n, n)
        of_a, of_b = metrics_of(a.take(rows)).as_dict(), metrics_of(b.take(rows)).as_dict()
        for name in METRICS:
            draws[name].append((of_b[name] or 0.0) - (of_a[name] or 0.0))
    for name in METRICS:
        wanted = np.quantile(draws[name], [0.025, 0.975])
        width = wanted[1] - wanted[0]
        assert found[name] == pytest.approx(tuple(wanted), abs=0.12 * width), name


def test_auc_estimate_is_inside_its_interval() -> None:
    a, b = simulated_pair(300, 4)
    row = compare(a, b).metric("roc_auc_macro")
    pa, pb = a.p, b.p
    assert pa is not None
    assert pb is not None
    aucs = [roc_auc_score(a.gold, p, multi_class="ovr") for p in (pa, pb)]
    assert row.delta == pytest.approx(aucs[1] - aucs[0])
    assert row.ci_low is not None
    assert row.ci_high is not None
    assert row.ci_low < aucs[1] - aucs[0] < row.ci_high


def test_a_run_against_itself_differs_by_nothing() -> None:
    a, _ = simulated_pair(100)
    found = compare(a, a)
    assert (found.fixed, found.broken, found.mcnemar_p) == (0, 0, 1.0)
    for metric in found.metrics:
        interval = (metric.delta, metric.ci_low, metric.ci_high)
        assert interval == pytest.approx((0, 0, 0), abs=1e-7), metric.name


def test_labels_alone_compare_by_accuracy() -> None:
    gold = [0, 1, 2, 0]
    a, b = outputs(gold, predicted=[0, 1, 1, 1]), outputs(gold, logits=np.eye(3)[[0, 1, 2, 1]])
    found = compare(a, b)
    assert found.metric("accuracy").delta == 0.25
    nll = found.metric("nll")
    assert (nll.a, nll.delta, nll.ci_low) == (None, None, None)
    assert nll.b is not None


def test_two_labels() -> None:
    a, b = simulated_pair(200)
    gold = np.where(a.gold == 0, 0, 3)
    found = compare(outputs(gold, logits=a.scores), outputs(gold, logits=b.scores))
    assert found.metric("roc_auc_neutral").delta is None
    assert found.metric("roc_auc_macro").ci_low is not None


def test_same_seed_same_interval() -> None:
    a, b = simulated_pair(100)
    assert compare(a, b) == compare(a, b)
    assert compare(a, b, resamples=500).resamples == 500


def test_weights_have_unit_mean_and_variance() -> None:
    rng = np.random.Generator(np.random.SFC64(1))
    for n in (200, 2001, 20_001):  # odd: tiles whose size is no multiple of four
        weights = np.full((600, n), np.nan)
        for rows, pairs, drawn in bootstrap_weights(n, 600, rng):
            weights[rows, pairs] = drawn
        assert weights.mean() == pytest.approx(1.0, abs=0.01)
        assert weights.var() == pytest.approx(1.0, abs=0.02)
        assert np.corrcoef(weights[:, 0], weights[:, 1])[0, 1] == pytest.approx(0.0, abs=0.15)


def test_large_runs_say_that_they_get_fewer_resamples() -> None:
    assert resamples_for(9842) == 10_000
    assert resamples_for(549_367) == 1_000


def scipy_interval(values: npt.NDArray[np.float64], resamples: int) -> tuple[float, float]:
    np.random.seed(0)  # the name of its own argument for it changed with SciPy 1.15
    found = bootstrap((values,), np.mean, n_resamples=resamples, method="percentile")
    return found.confidence_interval.low, found.confidence_interval.high


def test_mean_interval_agrees_with_scipy() -> None:
    a, b = simulated_pair(300)
    values = nll_each(b) - nll_each(a)
    low, high = scipy_interval(values, 4000)
    assert mean_interval(values) == pytest.approx((low, high), abs=0.1 * (high - low))


def test_common_pairs() -> None:
    in_a, in_b = common_pairs(["z", "b", "c"], ["c", "x", "z"])
    assert (in_a.tolist(), in_b.tolist()) == ([0, 2], [2, 0])
    same, _ = common_pairs(["b", "a"], ["b", "a"])
    assert same.tolist() == [0, 1]
    with pytest.raises(NliError, match="no pair in common"):
        common_pairs(["a"], ["b"])


def test_different_gold_is_refused_and_left_out_pairs_are_said() -> None:
    a, b = simulated_pair(10)
    with pytest.raises(NliError, match="different gold"):
        compare(a, b.take(np.arange(9)))
    said = compare(a, b, names=("x", "y"), left_out=(3, 1)).left_out
    assert "3 of x" in said
    assert "1 of y" in said
    assert compare(a, b).left_out == ""


def test_outcomes() -> None:
    a = np.array([False, True, True, False])
    b = np.array([True, False, True, False])
    assert outcome(a, b) == ["fixed", "broken", "both right", "both wrong"]


def test_groups_of_the_same_seeds_are_paired() -> None:
    a, b = [0.90, 0.91, 0.89, 0.92], [0.93, 0.915, 0.92, 0.94]
    (found,) = compare_groups({"accuracy": (a, b)}, ([0, 1, 2, 3], [0, 1, 2, 3]))
    wanted = ttest_rel(b, a)
    interval = wanted.confidence_interval()
    assert found.paired
    assert found.p == pytest.approx(wanted.pvalue)
    assert (found.ci_low, found.ci_high) == pytest.approx((interval.low, interval.high))
    shuffled = compare_groups({"accuracy": (a, b[::-1])}, ([0, 1, 2, 3], [3, 2, 1, 0]))
    assert shuffled[0] == found


def test_groups_of_other_seeds_get_welchs_test() -> None:
    a, b = [0.90, 0.91, 0.89], [0.93, 0.915, 0.92, 0.94]
    (found,) = compare_groups({"accuracy": (a, b)}, ([0, 1, 2], [5, 6, 7, 8]))
    wanted = ttest_ind(b, a, equal_var=False)
    interval = wanted.confidence_interval()
    assert not found.paired
    assert found.p == pytest.approx(wanted.pvalue)
    assert (found.ci_low, found.ci_high) == pytest.approx((interval.low, interval.high))


def test_plain_sentences() -> None:
    def sentence(name: str, a: list[float], b: list[float]) -> str:
        seeds = list(range(len(a)))
        return compare_groups({name: (a, b)}, (seeds, seeds))[0].sentence

    assert sentence("accuracy", [0.90, 0.91], [0.91, 0.90]).startswith(
        "no difference that seeds don't explain"
    )
    clear = sentence("accuracy", [0.80, 0.81, 0.82], [0.90, 0.911, 0.92])
    assert clear.startswith("B is better by 0.1003 ± 0.0014")
    assert sentence("nll", [0.80, 0.81, 0.82], [0.90, 0.911, 0.92]).startswith("A is better")
    assert "one seed proves nothing" in sentence("accuracy", [0.9], [0.91])


def test_seeds_that_never_move() -> None:
    (same,) = compare_groups({"accuracy": ([0.5, 0.5], [0.5, 0.5])}, ([0, 1], [0, 1]))
    assert (same.p, same.delta) == (1.0, 0.0)
    with pytest.raises(NliError, match="no run"):
        compare_groups({"accuracy": ([], [0.5])}, ([], [0]))


def test_seeds_that_move_alike_prove_nothing() -> None:
    a, b = [20 / 90, 31 / 90], [22 / 90, 33 / 90]  # seen: 2 of 90 pairs, twice, and p < 0.0001
    (found,) = compare_groups({"accuracy": (a, b)}, ([0, 1], [0, 1]))
    assert (found.ci_low, found.ci_high, found.p) == (None, None, None)
    assert "+0.0222 in every one, no spread to judge it by" in found.sentence


def test_benjamini_hochberg() -> None:
    p = [0.01, 0.04, 0.03, 0.5]
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))
    assert benjamini_hochberg(p) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert benjamini_hochberg([]).size == 0
