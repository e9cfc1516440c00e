import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from nliexplorer.analysis.metrics import compute_metrics, confusion
from nliexplorer.analysis.outputs import outputs, softmax
from nliexplorer.analysis.ranking import placements
from nliexplorer.errors import NliError
from nliexplorer.records import is_correct
from tests.analysis.reference import reference, simulated

PUBLISHED: dict[str, dict[str, float]] = {
    "electra_small_a": {
        "accuracy": 0.9001,
        "nll": 0.3004,
        "brier": 0.1575,
        "ece": 0.0286,
        "roc_auc_macro": 0.9751,
        "roc_auc_neutral": 0.9613,
        "errors": 983,
    },
    "hypothesis_only": {
        "accuracy": 0.6978,
        "nll": 0.7174,
        "brier": 0.4123,
        "ece": 0.0542,
        "roc_auc_macro": 0.8655,
        "roc_auc_neutral": 0.8586,
        "errors": 2974,
    },
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_reference_predictions(name: str) -> None:
    gold, logits = reference(name)
    result = compute_metrics(gold, logits=logits)
    expected = dict(PUBLISHED[name])
    assert round(result.n * (1 - result.accuracy)) == expected.pop("errors")
    for metric, value in expected.items():
        assert getattr(result, metric) == pytest.approx(value, abs=1e-4), metric


def test_agrees_with_scikit_learn() -> None:
    gold, logits = simulated(500)
    p = softmax(np.round(logits, 1))  # rounded, so that ties occur
    result = compute_metrics(gold, probabilities=p)
    assert result.roc_auc_macro == pytest.approx(
        roc_auc_score(gold, p, multi_class="ovr"), abs=1e-12
    )
    assert result.roc_auc_neutral == pytest.approx(roc_auc_score(gold == 1, p[:, 1]), abs=1e-12)
    assert result.nll == pytest.approx(log_loss(gold, p), abs=1e-12)
    assert result.brier == pytest.approx(((p - np.eye(3)[gold]) ** 2).sum(1).mean(), abs=1e-12)


def test_logits_and_their_probabilities_give_the_same_metrics() -> None:
    gold, logits = simulated(200)
    from_logits = compute_metrics(gold, logits=logits).as_dict()
    from_p = compute_metrics(gold, probabilities=softmax(logits)).as_dict()
    assert from_logits == pytest.approx(from_p, abs=1e-12)


def test_labels_alone_give_accuracy_and_nothing_else() -> None:
    result = compute_metrics([0, 1, 2, 2], predicted=[0, 1, 1, 2])
    assert result.as_dict() == {
        "n": 4,
        "accuracy": 0.75,
        "roc_auc_macro": None,
        "roc_auc_neutral": None,
        "nll": None,
        "brier": None,
        "ece": None,
        "eval_seconds": None,
        "unanswered": 0,
        "unlabelled": 0,
    }


@pytest.mark.parametrize("levels", [3, 1_000_000])
def test_placements_are_shares_with_ties_as_one_half(levels: int) -> None:
    rng = np.random.default_rng(levels)
    score, positive = rng.integers(0, levels, 60) / levels, rng.random(60) < 0.3
    placed = placements(score, positive)
    assert placed
    below = score[~positive] < score[positive, None]
    tied = score[~positive] == score[positive, None]
    each = below + tied / 2  # [positives, negatives]
    np.testing.assert_allclose(placed[0], each.mean(axis=1), atol=1e-15)
    np.testing.assert_allclose(placed[1], each.mean(axis=0), atol=1e-15)
    assert placements(score, np.ones(60, dtype=bool)) is None


def test_auc_is_undefined_without_both_classes() -> None:
    result = compute_metrics([1, 1], logits=[[0, 1, 0], [1, 0, 0]])
    assert result.roc_auc_macro is None
    assert result.roc_auc_neutral is None
    without_entailment = compute_metrics([1, 2], logits=[[0, 1, 0], [1, 0, 2]])
    assert without_entailment.roc_auc_macro is None
    assert without_entailment.roc_auc_neutral == 1.0


def test_ece_by_hand() -> None:
    p = [[0.95, 0.05, 0.0], [0.95, 0.05, 0.0], [0.65, 0.35, 0.0]]
    result = compute_metrics([0, 1, 0], probabilities=p)
    assert result.ece == pytest.approx((2 * abs(0.5 - 0.95) + abs(1 - 0.65)) / 3)


def test_two_labels_merge_neutral_and_contradiction() -> None:
    gold = np.array([0, 3, 3, 0])
    p = np.array([[0.4, 0.3, 0.3], [0.1, 0.5, 0.4], [0.2, 0.2, 0.6], [0.3, 0.6, 0.1]])
    result = compute_metrics(gold, probabilities=p)
    predicted = p.argmax(1).tolist()
    assert result.accuracy == np.mean(
        [is_correct(a, g) for a, g in zip(predicted, gold.tolist(), strict=True)]
    )
    assert result.roc_auc_macro == pytest.approx(roc_auc_score(gold == 0, p[:, 0]))
    assert result.roc_auc_neutral is None
    gold_p = [0.4, 0.9, 0.8, 0.3]
    assert result.nll == pytest.approx(-np.mean(np.log(gold_p)))
    assert result.brier == pytest.approx(np.mean([2 * (1 - q) ** 2 for q in gold_p]))


def test_certain_and_wrong_stays_finite_as_probabilities_and_true_as_logits() -> None:
    assert math.isfinite(compute_metrics([1], probabilities=[[1.0, 0.0, 0.0]]).nll or math.nan)
    assert compute_metrics([1], logits=[[1000.0, 0.0, 0.0]]).nll == pytest.approx(1000.0)


@pytest.mark.parametrize(
    ("gold", "scores", "message"),
    [
        ([], {"logits": np.zeros((0, 3))}, "no pairs"),
        ([0, -2], {"logits": np.zeros((2, 3))}, "1 of 2 gold labels are outside"),
        ([0, 1], {"logits": [[0, 0, 0], [np.nan, 0, 0]]}, "logits of 1 pairs are not finite"),
        ([0, 1], {"logits": np.zeros((2, 4))}, "shape"),
        ([0, 1], {"probabilities": [[1, 1, 0], [1, 0, 0]]}, "sum to 1"),
        ([0, 1], {"predicted": [0]}, "2 gold labels but 1 predictions"),
        ([0, 1], {}, "no predictions"),
    ],
)
def test_bad_input_is_named(gold: list[int], scores: dict[str, Any], message: str) -> None:
    with pytest.raises(NliError, match=message):
        compute_metrics(gold, **scores)


def test_confusion_counts_and_rates() -> None:
    table = confusion(outputs([0, 0, 1, 1], predicted=[0, 2, 1, 1]))
    assert table.counts.tolist() == [[1, 0, 1], [0, 2, 0], [0, 0, 0]]
    assert table.as_dict()["rates"] == [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [None, None, None]]
    two = confusion(outputs([0, 3, 3], predicted=[0, 1, 0]))
    assert two.counts.tolist() == [[1, 0, 0], [1, 1, 0]]
    assert two.gold_names == ("entailment", "non-entailment")
