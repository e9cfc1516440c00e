import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import linregress
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from nliexplorer.analysis.calibration import (
    calibration,
    calibration_of,
    equal_count_index,
    published_fig10,
)
from nliexplorer.analysis.outputs import outputs, softmax
from nliexplorer.analysis.regression import fit_line
from nliexplorer.analysis.risk_coverage import risk_coverage
from nliexplorer.analysis.temperature import halves
from nliexplorer.errors import NliError
from tests.analysis.reference import reference, simulated

INTERFACE = [
    "n",
    "bins",
    "ece",
    "mce",
    "nll",
    "brier",
    "r2",
    "temperature",
    "ece_after_temperature",
    "nll_after_temperature",
]


def test_document_has_the_interface_names_in_order() -> None:
    gold, logits = simulated(300)
    measured = calibration(gold, logits=logits).as_dict()
    assert list(measured)[: len(INTERFACE)] == INTERFACE
    assert ",".join(measured["bins"][0]) == "low,high,n,confidence,accuracy,ci_low,ci_high"
    assert [b["low"] for b in measured["bins"]] == [i / 10 for i in range(10)]


def test_bins_agree_with_scikit_learn() -> None:
    gold, logits = reference("electra_small_a")
    measured = calibration(gold, logits=logits)
    p = softmax(logits)
    confidence, correct = p.max(1), p.argmax(1) == gold
    accuracy, mean = calibration_curve(correct, confidence, n_bins=10)
    filled = [b for b in measured.bins if b.n]
    assert [b.accuracy for b in filled] == pytest.approx(accuracy)
    assert [b.confidence for b in filled] == pytest.approx(mean)
    assert measured.r2 == pytest.approx(linregress(mean, accuracy).rvalue ** 2)
    assert measured.ece == pytest.approx(0.0286, abs=1e-4)
    assert measured.mce == pytest.approx(np.abs(accuracy - mean).max())


def test_temperature_lowers_held_out_nll_and_is_the_optimum_of_its_half() -> None:
    gold, logits = reference("electra_small_a")
    measured = calibration(gold, logits=logits)
    fitted, held = halves(len(gold))
    assert sorted([*fitted, *held]) == list(range(len(gold)))
    best = minimize(
        lambda t: log_loss(gold[fitted], softmax(logits[fitted] / t[0])),
        [1.0],
        method="Nelder-Mead",
    )
    assert measured.temperature == pytest.approx(best.x[0], abs=1e-3)
    assert measured.nll_after_temperature is not None
    after = log_loss(gold[held], softmax(logits[held] / measured.temperature))
    assert measured.nll_after_temperature == pytest.approx(after, abs=1e-9)
    assert measured.held_out_nll is not None
    assert measured.nll_after_temperature < measured.held_out_nll


def test_overconfident_logits_get_their_temperature_back() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(20_000, 3)) * 2
    p = softmax(logits)
    gold = (rng.random((len(p), 1)) > p.cumsum(1)).sum(1)
    measured = calibration(gold, logits=logits * 3.0)
    assert measured.temperature == pytest.approx(3.0, rel=0.05)
    assert measured.ece_after_temperature is not None
    assert measured.ece_after_temperature < 0.02 < measured.ece


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(0, 1000))
def test_brier_parts_add_up(n: int, seed: int) -> None:
    gold, logits = simulated(n, seed)
    measured = calibration(gold, logits=logits)
    assert measured.decomposition.total == pytest.approx(measured.brier, abs=1e-12)


def test_confidence_of_zero_bins_and_of_one() -> None:
    p = np.array([[1.0, 0, 0], [0.7, 0.3, 0], [0.5, 0.5, 0]])
    measured = calibration([0, 0, 1], probabilities=p)
    assert [b.n for b in measured.bins] == [0, 0, 0, 0, 0, 1, 0, 1, 0, 1]
    assert measured.bins[-1].confidence == 1.0
    empty = measured.bins[0]
    assert (empty.confidence, empty.accuracy, empty.ci_low) == (None, None, None)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_pairs_leave_undefined_figures_empty(n: int) -> None:
    measured = calibration([0, 1, 2][:n], probabilities=[[0.8, 0.1, 0.1]] * n)
    assert measured.n == n
    assert measured.r2 is None
    assert measured.temperature is None
    assert measured.ece == pytest.approx(abs(1 / n - 0.8))


def test_no_pairs_and_no_probabilities_are_refused() -> None:
    with pytest.raises(NliError, match="no pairs"):
        calibration([], probabilities=np.zeros((0, 3)))
    with pytest.raises(NliError, match="labels only"):
        calibration([0, 1], predicted=[0, 1])


def test_one_class_only_and_all_right() -> None:
    measured = calibration([0] * 50, logits=[[3.0, 0.0, 0.0]] * 50)
    assert measured.temperature is None  # the best temperature is 0
    assert measured.r2 is None
    assert measured.decomposition.uncertainty == 0.0
    assert measured.risk.aurc == 0.0


def test_two_label_gold() -> None:
    gold, logits = simulated(400, 5)
    measured = calibration(np.where(gold == 0, 0, 3), logits=logits)
    p = softmax(logits)[:, 0]
    decided = softmax(logits).argmax(1) == 0
    confidence = np.where(decided, p, 1 - p)
    assert sum(b.n * (b.confidence or 0) for b in measured.bins) == pytest.approx(confidence.sum())
    assert measured.decomposition.total == pytest.approx(measured.brier)
    assert measured.temperature is not None


def test_equal_count_bins_keep_ties_together() -> None:
    assert np.bincount(equal_count_index(np.arange(100.0))).tolist() == [10] * 10
    assert equal_count_index([5.0] * 7).tolist() == [0] * 7
    values = np.array([1, 1, 1, 2, 2, 3, 3, 3, 3, 9])
    index = equal_count_index(values, 3)
    assert all(len(set(index[values == v])) == 1 for v in values)


def test_equal_count_ece_of_distinct_confidences() -> None:
    gold, logits = simulated(1000, 2)
    given_ = outputs(gold, logits=logits)
    measured = calibration_of(given_)
    confidence = given_.confidence
    assert confidence is not None
    order = np.argsort(confidence)
    parts = np.array_split(order, 10)
    by_hand = sum(abs((given_.correct[i] - confidence[i]).sum()) for i in parts) / 1000
    assert measured.ece_equal_count == pytest.approx(by_hand)


def test_risk_coverage_by_hand_and_ties_do_not_depend_on_order() -> None:
    confidence = np.array([0.9, 0.8, 0.7])
    result = risk_coverage(confidence, np.array([True, False, True]))
    assert result.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3])
    assert result.aurc == pytest.approx((1 / 2 + 1 / 3) / 3)
    tied = np.array([0.5] * 4)
    one = risk_coverage(tied, np.array([True, False, True, True]))
    other = risk_coverage(tied, np.array([False, True, True, True]))
    assert one.risk.tolist() == pytest.approx(other.risk.tolist())
    assert one.risk.tolist() == pytest.approx([0.25] * 4)


def test_fig10_as_published_counts_only_small_raw_logits() -> None:
    logits = np.array([[0.05, 0, 0], [0.55, 0, 0], [0.95, 0, 0], [5.0, 0, 0], [-1, -1, -2.0]])
    measured = published_fig10([1, 0, 0, 0, 0], logits)
    assert (measured.n, measured.n_used) == (5, 3)
    assert measured.r2 == pytest.approx(linregress([0.05, 0.55, 0.95], [0, 1, 1]).rvalue ** 2)
    assert "3 of 5" in measured.warning


def test_weighted_line_agrees_with_numpy() -> None:
    x, y, w = np.array([0.1, 0.4, 0.9]), np.array([0.3, 0.2, 0.8]), np.array([1.0, 5.0, 20.0])
    slope, intercept = np.polyfit(x, y, 1, w=np.sqrt(w))
    line = fit_line(x, y, w)
    assert line is not None
    assert (line.slope, line.intercept) == pytest.approx((slope, intercept))
