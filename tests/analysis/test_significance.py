import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap, false_discovery_control, ttest_ind, ttest_rel
from sklearn.metrics import roc_auc_score

from nliexplorer.analysis.bootstrap import (
    basic_interval,
    bootstrap_differences,
    bootstrap_weights,
    percentile_interval,
    percentile_p,
    resamples_for,
)
from nliexplorer.analysis.intervals import newcombe_paired
from nliexplorer.analysis.metric_specs import METRICS
from nliexplorer.analysis.metrics import floored_pairs, metrics_of
from nliexplorer.analysis.outputs import Outputs, outputs
from nliexplorer.analysis.seeds import benjamini_hochberg, compare_groups
from nliexplorer.analysis.significance import (
    Comparison,
    compare_to_first,
    mcnemar_exact,
)
from nliexplorer.analysis.verdict import FEW_PAIRS
from nliexplorer.errors import NliError
from tests.analysis.reference import compare, reference, simulated, simulated_pair


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_exact_binomial_test(fixed: int, broken: int) -> None:
    expected = binomtest(fixed, fixed + broken).pvalue if fixed + broken else 1.0
    assert mcnemar_exact(fixed, broken) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_mcnemar_on_the_papers_counts_and_on_very_many() -> None:
    assert mcnemar_exact(270, 226) == pytest.approx(0.053, abs=5e-4)
    expected = binomtest(25_000, 50_500).pvalue
    assert mcnemar_exact(25_000, 25_500) == pytest.approx(expected, rel=1e-7)


def test_reference_runs() -> None:
    gold, logits_a = reference("electra_small_a")
    _, logits_b = reference("hypothesis_only")
    a, b = outputs(gold, logits=logits_a), outputs(gold, logits=logits_b)
    comparison = compare(a, b, names=("electra", "hypothesis-only"))
    assert comparison.fixed + comparison.both_right == b.correct.sum()
    assert comparison.broken + comparison.both_right == a.correct.sum()
    assert (
        comparison.fixed + comparison.broken + comparison.both_right + comparison.both_wrong
        == comparison.n
        == 9842
    )
    assert comparison.resamples == 10_000
    delta = comparison.metric("accuracy")
    assert delta.delta == pytest.approx((983 - 2974) / 9842)
    interval = scipy_interval(b.correct.astype(float) - a.correct, 500)
    assert (delta.ci_low, delta.ci_high) == pytest.approx(interval, abs=1.5e-3)


def test_document_has_the_interface_names() -> None:
    a, b = simulated_pair(50)
    comparison = compare(a, b, seconds=[{"eval_seconds": (1.0, 3.0)}]).as_dict()
    assert list(comparison)[:5] == ["a", "b", "split", "n", "fixed"]
    assert list(comparison)[5:10] == ["broken", "both_right", "both_wrong", "mcnemar_p", "metrics"]
    assert tuple(m["name"] for m in comparison["metrics"]) == (*METRICS, "eval_seconds")
    assert list(comparison["metrics"][0])[:6] == ["name", "a", "b", "delta", "ci_low", "ci_high"]
    assert comparison["metrics"][-1]["delta"] == 2.0


RESAMPLED = METRICS[1:]  # accuracy has a score interval


@pytest.mark.parametrize("n", [300, 1100])  # multinomial and Poisson weights
def test_intervals_agree_with_resampling_rows(n: int) -> None:
    a, b = simulated_pair(n)
    (result,) = bootstrap_differences(a, [b], 4000)
    assert tuple(result) == ("roc_auc_macro", "roc_auc_neutral", "nll", "brier", "ece")
    rng = np.random.default_rng(9)
    draws: dict[str, list[float]] = {name: [] for name in RESAMPLED}
    for _ in range(500):
        rows = rng.integers(0, n, n)
        of_a, of_b = metrics_of(a.take(rows)).as_dict(), metrics_of(b.take(rows)).as_dict()
        for name in RESAMPLED:
            draws[name].append((of_b[name] or 0.0) - (of_a[name] or 0.0))
    estimate = (metrics_of(b).ece or 0.0) - (metrics_of(a).ece or 0.0)
    for name in RESAMPLED:
        expected = np.quantile(draws[name], [0.025, 0.975])
        width = expected[1] - expected[0]
        if name == "ece":
            expected = 2 * estimate - expected[::-1]  # the basic interval
        each = result[name]
        assert (each.low, each.high) == pytest.approx(tuple(expected), abs=0.12 * width), name


def test_many_runs_are_compared_on_the_same_resamples() -> None:
    a, b = simulated_pair(200)
    c, labels = simulated_pair(200, 7)[1], outputs(a.gold, predicted=b.predicted)
    c = outputs(a.gold, logits=c.scores)
    comparison = compare_to_first([a, b, c, labels], names="abcd", left_out=(1, 2, 3, 4))
    assert [each.b for each in comparison] == ["b", "c", "d"]
    assert comparison[0] == compare(a, b, left_out=(1, 2))
    assert (comparison[1].left_out_a, comparison[1].left_out_b) == (1, 3)
    assert comparison[1].metrics == compare(a, c).metrics
    assert comparison[2].metric("nll").ci_low is None
    assert comparison[2].metric("accuracy").ci_low is not None


def four_fixed(n: int = 1500) -> Comparison:
    """Two runs that answer alike but for four pairs, which B mends (reported: coloured)."""
    gold, logits = simulated(n, 3)
    mended = logits.copy()
    wrong = np.flatnonzero(logits.argmax(axis=1) != gold)[:4]
    mended[wrong] = 9.0 * np.eye(3)[gold[wrong]]
    return compare(outputs(gold, logits=logits), outputs(gold, logits=mended))


def test_no_verdict_is_bolder_than_the_exact_test() -> None:
    result = four_fixed()
    assert (result.fixed, result.broken) == (4, 0)
    assert result.mcnemar_p == 0.125
    assert result.metric("accuracy").p == 0.125
    assert [row.verdict for row in result.metrics] == [0] * len(result.metrics)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200), st.integers(0, 200))
def test_accuracy_is_decided_only_beyond_the_exact_test(
    fixed: int, broken: int, right: int, wrong: int
) -> None:
    n = fixed + broken + right + wrong
    if not n:
        return
    gold = np.zeros(n, dtype=int)
    cells = np.repeat([0, 1, 2, 3], [fixed, broken, right, wrong])
    a = outputs(gold, predicted=np.isin(cells, (0, 3)).astype(int))
    b = outputs(gold, predicted=np.isin(cells, (1, 3)).astype(int))
    row = compare(a, b).metric("accuracy")
    assert row.ci_low is not None
    assert row.ci_high is not None
    assert -1 <= row.ci_low <= (row.delta or 0.0) <= row.ci_high <= 1
    assert row.ci_high - row.ci_low > 0  # reported: one pair gave an interval without width
    assert (row.ci_low, row.ci_high) == newcombe_paired(right, broken, fixed, wrong)
    if row.verdict:
        assert mcnemar_exact(fixed, broken) <= 0.05
        assert row.verdict == (1 if fixed > broken else -1)


def test_one_pair_proves_nothing_and_says_so() -> None:
    a, b = (outputs([0], logits=[scores]) for scores in ([0.0, 1.0, 0.0], [5.0, 1.0, 0.0]))
    comparison = compare(a, b)
    accuracy = comparison.metric("accuracy")
    assert accuracy.delta == 1.0
    assert accuracy.ci_low is not None
    assert accuracy.ci_low < 0
    for name in ("nll", "brier", "ece"):
        assert comparison.metric(name).delta is not None
        assert (comparison.metric(name).ci_low, comparison.metric(name).verdict) == (None, 0)
    assert "1 pair is few" in comparison.notes[0]


def test_resampling_few_pairs_decides_nothing() -> None:
    gold = np.zeros(FEW_PAIRS - 1, dtype=int)
    a = outputs(gold, logits=np.tile([1.0, 0.0, 0.0], (gold.size, 1)))
    b = outputs(gold, logits=np.tile([2.0, 0.0, 0.0], (gold.size, 1)))
    comparison = compare(a, b)
    nll = comparison.metric("nll")
    assert nll.ci_high is not None
    assert nll.ci_high < 0
    assert nll.verdict == 0
    assert f"{FEW_PAIRS - 1} pairs are few" in comparison.notes[0]


def test_ece_interval_is_turned_round_its_estimate() -> None:
    """Two models of truth 0.0424 apart in ECE: resampling the biased figure misses it."""
    rng = np.random.default_rng(0)
    truth, hits = 0.0424, {"basic": 0, "percentile": 0}
    for _ in range(60):
        a, b = _calibrated_and_sharp(1500, rng)
        (result,) = bootstrap_differences(a, [b], 1000, seed=int(rng.integers(1 << 30)))
        ece = result["ece"]
        assert ece.low is not None
        assert ece.high is not None
        estimate = (metrics_of(b).ece or 0.0) - (metrics_of(a).ece or 0.0)
        hits["basic"] += ece.low <= truth <= ece.high
        hits["percentile"] += 2 * estimate - ece.high <= truth <= 2 * estimate - ece.low
    assert hits["basic"] >= 42  # 82 % of 300 where this was measured, the percentile's 51 %
    assert hits["basic"] > hits["percentile"] + 6


def _calibrated_and_sharp(n: int, rng: np.random.Generator) -> tuple[Outputs, Outputs]:
    """Noisy views of a class: their posterior, and one of temperature 0.7."""
    gold = rng.integers(0, 3, n)
    shared = rng.normal(size=(n, 3))
    views = [
        3.0 * np.eye(3)[gold] + 1.5 * (0.8**0.5 * shared + 0.2**0.5 * rng.normal(size=shared.shape))
        for _ in range(2)
    ]
    a, b = (
        outputs(gold, logits=v * (3.0 / 2.25) / t) for v, t in zip(views, (1.0, 0.7), strict=True)
    )
    return a, b


def test_p_is_below_five_per_cent_just_where_the_percentile_interval_excludes_zero() -> None:
    rng = np.random.default_rng(0)
    for shift in np.linspace(1.5, 2.5, 21):
        draws = rng.normal(shift, 1.0, 2000)
        low, _ = percentile_interval(draws)
        assert (percentile_p(draws) < 0.05) == (low > 0)
    assert basic_interval(np.array([0.0, 1.0, 2.0]), 0.5) == pytest.approx((-0.95, 0.95))


def test_probabilities_of_zero_are_floored_and_that_is_said() -> None:
    gold, sure = [0, 1, 2], [[1.0, 0, 0], [1.0, 0, 0], [0, 0, 1.0]]
    a = outputs(gold, probabilities=sure)
    b = outputs(gold, logits=[[0, -900.0, 0], [900.0, 0, 0], [0, 0, 1]])
    comparison = compare(a, b, names=("file", "model"))
    assert metrics_of(a).nll == pytest.approx(-np.log(np.finfo(float).eps) / 3)
    (note,) = [each for each in comparison.notes if "NLL" in each]
    assert note.startswith("file gives the gold label of 1 pair probability 0")  # logits are exact
    two = outputs([3, 0], probabilities=[[1.0, 0, 0], [1.0, 0, 0]])
    assert floored_pairs(two) == 1


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
    comparison = compare(a, a)
    assert (comparison.fixed, comparison.broken, comparison.mcnemar_p) == (0, 0, 1.0)
    for metric in comparison.metrics:
        assert metric.verdict == 0
        interval = (metric.delta, metric.ci_low, metric.ci_high)
        if metric.name == "accuracy":
            assert metric.delta == 0
            assert (metric.ci_low or 0) < 0 < (metric.ci_high or 0)
        else:
            assert interval == pytest.approx((0, 0, 0), abs=1e-7), metric.name


def test_labels_alone_compare_by_accuracy() -> None:
    gold = [0, 1, 2, 0]
    a, b = outputs(gold, predicted=[0, 1, 1, 1]), outputs(gold, logits=np.eye(3)[[0, 1, 2, 1]])
    comparison = compare(a, b)
    assert comparison.metric("accuracy").delta == 0.25
    nll = comparison.metric("nll")
    assert (nll.a, nll.delta, nll.ci_low) == (None, None, None)
    assert nll.b is not None


def test_two_labels() -> None:
    a, b = simulated_pair(200)
    gold = np.where(a.gold == 0, 0, 3)
    comparison = compare(outputs(gold, logits=a.scores), outputs(gold, logits=b.scores))
    assert comparison.metric("roc_auc_neutral").delta is None
    assert comparison.metric("roc_auc_macro").ci_low is not None


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
    result = bootstrap((values,), np.mean, n_resamples=resamples, method="percentile")
    return result.confidence_interval.low, result.confidence_interval.high


def test_different_gold_is_refused_and_left_out_pairs_are_said() -> None:
    a, b = simulated_pair(10)
    with pytest.raises(NliError, match="different gold"):
        compare(a, b.take(np.arange(9)))
    output = compare(a, b, names=("x", "y"), left_out=(3, 1)).left_out
    assert "3 of x" in output
    assert "1 of y" in output
    assert compare(a, b).left_out == ""


def test_groups_of_the_same_seeds_are_paired() -> None:
    a, b = [0.90, 0.91, 0.89, 0.92], [0.93, 0.915, 0.92, 0.94]
    (comparison,) = compare_groups({"accuracy": (a, b)}, ([0, 1, 2, 3], [0, 1, 2, 3]))
    expected = ttest_rel(b, a)
    interval = expected.confidence_interval()
    assert comparison.paired
    assert comparison.p == pytest.approx(expected.pvalue)
    assert (comparison.ci_low, comparison.ci_high) == pytest.approx((interval.low, interval.high))
    shuffled = compare_groups({"accuracy": (a, b[::-1])}, ([0, 1, 2, 3], [3, 2, 1, 0]))
    assert shuffled[0] == comparison


def test_groups_of_other_seeds_get_welchs_test() -> None:
    a, b = [0.90, 0.91, 0.89], [0.93, 0.915, 0.92, 0.94]
    (comparison,) = compare_groups({"accuracy": (a, b)}, ([0, 1, 2], [5, 6, 7, 8]))
    expected = ttest_ind(b, a, equal_var=False)
    interval = expected.confidence_interval()
    assert not comparison.paired
    assert comparison.p == pytest.approx(expected.pvalue)
    assert (comparison.ci_low, comparison.ci_high) == pytest.approx((interval.low, interval.high))


def test_plain_sentences() -> None:
    def sentence(name: str, a: list[float], b: list[float]) -> str:
        seeds = list(range(len(a)))
        return compare_groups({name: (a, b)}, (seeds, seeds))[0].sentence

    assert sentence("accuracy", [0.90, 0.91], [0.91, 0.90]).startswith(
        "no difference that seeds don't explain"
    )
    clear = sentence("accuracy", [0.80, 0.81, 0.82], [0.90, 0.911, 0.92])
    assert clear.startswith("B is better by 10.03 ± 0.14 points (accuracy, 3 seeds: +10.03")
    assert sentence("nll", [0.80, 0.81, 0.82], [0.90, 0.911, 0.92]).startswith("A is better")
    assert "one seed proves nothing" in sentence("accuracy", [0.9], [0.91])


def test_seeds_that_never_move() -> None:
    (same,) = compare_groups({"accuracy": ([0.5, 0.5], [0.5, 0.5])}, ([0, 1], [0, 1]))
    assert (same.p, same.delta) == (1.0, 0.0)
    with pytest.raises(NliError, match="no run"):
        compare_groups({"accuracy": ([], [0.5])}, ([], [0]))


def test_seeds_that_move_alike_prove_nothing() -> None:
    a, b = [20 / 90, 31 / 90], [22 / 90, 33 / 90]  # seen: 2 of 90 pairs, twice, and p < 0.0001
    (comparison,) = compare_groups({"accuracy": (a, b)}, ([0, 1], [0, 1]))
    assert (comparison.ci_low, comparison.ci_high, comparison.p) == (None, None, None)
    assert "+2.22 points in every one, no spread to judge it by" in comparison.sentence


def test_benjamini_hochberg() -> None:
    p = [0.01, 0.04, 0.03, 0.5]
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))
    assert benjamini_hochberg(p) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert benjamini_hochberg([]).size == 0
