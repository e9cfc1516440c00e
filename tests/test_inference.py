"""Logits do not depend on how the pairs were batched, nor on the head's own label order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax as scipy_softmax

from nliexplorer.analysis.outputs import softmax
from nliexplorer.inference import predict
from tests.tinymodels import EXAMPLES, tiny_classifier

PAIRS = [(example.premise, example.hypothesis) for example in EXAMPLES]


@pytest.mark.parametrize("family", ["electra", "bert"])
@pytest.mark.parametrize("budget", [1, 50, 10_000])
def test_order_and_batches_change_nothing(family: str, budget: int) -> None:
    classifier = tiny_classifier(family)
    together = predict(classifier, PAIRS, token_budget=budget)
    for row, (premise, hypothesis) in enumerate(PAIRS):
        features = classifier.tokenizer(premise, hypothesis, return_tensors="pt")
        with torch.no_grad():
            alone = classifier.model(**features).logits[0].numpy()
        np.testing.assert_allclose(together[row], alone, atol=1e-5)


def test_columns_follow_the_labels() -> None:
    classifier = tiny_classifier()
    turned = replace(classifier, label_order=(2, 0, 1))
    np.testing.assert_array_equal(predict(turned, PAIRS), predict(classifier, PAIRS)[:, [2, 0, 1]])


def test_progress_reaches_the_end() -> None:
    seen: list[tuple[int, int]] = []
    predict(tiny_classifier(), PAIRS, token_budget=40, progress=lambda *at: seen.append(at))
    assert seen[-1] == (len(PAIRS), len(PAIRS))
    assert seen == sorted(seen)


def test_no_pairs_give_no_logits() -> None:
    assert predict(tiny_classifier(), []).shape == (0, 3)


def test_training_mode_is_put_back() -> None:
    classifier = tiny_classifier()
    classifier.model.train()
    predict(classifier, PAIRS)
    assert classifier.model.training


def test_softmax_is_scipys() -> None:
    logits = np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]])
    np.testing.assert_allclose(softmax(logits), scipy_softmax(logits, axis=-1))
