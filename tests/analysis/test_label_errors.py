"""Label errors: closed forms, and planted mistakes found."""

from __future__ import annotations

import numpy as np
import pytest

from nliexplorer.analysis.label_errors import disagreement_auc, label_errors
from nliexplorer.errors import NliError


def model(rng: np.random.Generator, truth: np.ndarray, sharpness: float = 4.0) -> np.ndarray:
    """Probabilities of a decent model of `truth`."""
    logits = rng.normal(size=(truth.size, 3))
    logits[np.arange(truth.size), truth] += sharpness
    p = np.exp(logits)
    return p / p.sum(axis=1, keepdims=True)


def test_scores_of_one_pair() -> None:
    p = [[0.2, 0.5, 0.3]]
    assert label_errors(p, [0]).score == pytest.approx([0.2])
    margin = label_errors(p, [0], "normalised-margin")
    assert margin.score == pytest.approx([(0.2 - 0.5 + 1) / 2])
    assert margin.suggested.tolist() == [1]


def test_several_models_are_averaged() -> None:
    two = np.array([[[0.2, 0.5, 0.3]], [[0.4, 0.1, 0.5]]])
    assert label_errors(two, [0]).score == pytest.approx([0.3])
    assert label_errors(two, [0]).suggested.tolist() == [2]


def test_wrong_labels_come_first() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 600)
    gold = truth.copy()
    wrong = rng.choice(600, 30, replace=False)
    gold[wrong] = (truth[wrong] + 1) % 3
    errors = label_errors(model(rng, truth), gold)
    first = set(errors.order[:30].tolist())
    assert len(first & set(wrong.tolist())) >= 24
    assert (errors.suggested[wrong] == truth[wrong]).mean() > 0.8
    assert errors.flagged[wrong].mean() > 0.7
    assert np.delete(errors.flagged, wrong).mean() < 0.1


def test_a_class_that_the_model_underrates_is_not_flagged_wholesale() -> None:
    """Confident learning's thresholds are per class: uniform doubt about one is no label error."""
    p = np.array([[0.6, 0.4, 0.0]] * 10 + [[0.55, 0.45, 0.0]] * 10)
    gold = [0] * 10 + [1] * 10
    assert not label_errors(p, gold).flagged[10:].any()


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(NliError, match="between 0 and 2"):
        label_errors([[0.2, 0.5, 0.3]], [3])
    with pytest.raises(NliError, match="no pairs"):
        label_errors(np.empty((0, 3)), [])
    with pytest.raises(NliError, match="normalised-margin"):
        label_errors([[0.2, 0.5, 0.3]], [0], "margin")


def test_disagreement() -> None:
    score = [0.1, 0.2, 0.8, 0.9]
    assert disagreement_auc(score, [0.6, 0.6, 1.0, 1.0]) == 1.0
    assert disagreement_auc(score, [1.0, np.nan, 1.0, 0.6]) == 0.0
    assert disagreement_auc(score, [1.0] * 4) is None
