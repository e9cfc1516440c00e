"""Debiasing losses against closed forms, and runs that use them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, Example
from nliexplorer.training.debias import (
    classification_loss,
    collect_hypotheses,
    focal,
    hypothesis_expert,
    product_of_experts,
)
from nliexplorer.training.run import train
from tests.tinymodels import tiny_classifier
from tests.training.helpers import settings
from tests.training.list_sink import ListSink

LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]], dtype=torch.float64)
GOLD = torch.tensor([0, 2])
P_B = torch.tensor([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1]], dtype=torch.float64)


def test_product_of_experts_is_the_normalised_product() -> None:
    product = torch.softmax(LOGITS, -1) * P_B
    product = (product / product.sum(-1, keepdim=True)).numpy()
    result = product_of_experts(LOGITS, GOLD, P_B.log())
    expected = [
        log_loss([g], [p], labels=[0, 1, 2]) for g, p in zip(GOLD.tolist(), product, strict=True)
    ]
    np.testing.assert_allclose(result, expected)


def test_an_expert_that_knows_nothing_changes_nothing() -> None:
    uniform = torch.full((2, 3), 1 / 3, dtype=torch.float64).log()
    plain = classification_loss("none", LOGITS, GOLD)
    torch.testing.assert_close(product_of_experts(LOGITS, GOLD, uniform), plain)
    torch.testing.assert_close(focal(LOGITS, GOLD, uniform), plain * (2 / 3) ** 2)


@pytest.mark.parametrize("kind", ["product-of-experts", "focal"])
def test_a_pair_that_the_expert_solves_teaches_little(kind: str) -> None:
    logits = LOGITS.clone().requires_grad_()
    sure = torch.tensor([[0.9998, 1e-4, 1e-4], [0.6, 0.3, 0.1]], dtype=torch.float64).log()
    classification_loss(kind, logits, GOLD, sure).sum().backward()
    assert logits.grad is not None
    easy, hard = logits.grad.norm(dim=1).tolist()
    assert easy < 1e-3 * hard


def test_focal_weight() -> None:
    plain = classification_loss("none", LOGITS, GOLD)
    result = focal(LOGITS, GOLD, P_B.log())
    torch.testing.assert_close(result, plain * torch.tensor([0.3**2, 0.9**2]).double())


def test_unknown_debiasing() -> None:
    with pytest.raises(NliError, match="unknown debiasing: 'magic'"):
        classification_loss("magic", LOGITS, GOLD, P_B.log())


def biased(n: int) -> list[Example]:
    """Pairs whose hypothesis alone gives the label away."""
    nouns = ("man", "woman", "dog", "cat", "boy", "girl")
    verbs = ("runs outside", "is tall because it is warm", "sleeps , nobody sits")
    return [
        Example(f"A {nouns[i % 6]} stands", f"The {nouns[i * 7 % 6]} {verbs[i % 3]}", i % 3)
        for i in range(n)
    ]


def test_the_expert_is_out_of_fold_and_finite() -> None:
    rows = biased(60)
    expert = hypothesis_expert([row.hypothesis for row in rows], [row.label for row in rows])
    assert expert.accuracy > 0.95
    assert expert.log_probabilities.shape == (60, len(LABELS))
    np.testing.assert_allclose(np.exp(expert.log_probabilities).sum(1), 1.0, atol=1e-5)
    draw = np.random.default_rng(0)
    chance = hypothesis_expert([row.hypothesis for row in rows], draw.permutation(60) % 3)
    assert chance.accuracy < 0.6  # it cannot learn its own pairs by heart
    heard: list[str] = []
    assert list(collect_hypotheses(rows, heard)) == rows
    assert heard == [row.hypothesis for row in rows]


@pytest.mark.parametrize("objective", ["baseline", "ig-variance"])
@pytest.mark.parametrize("debias", ["product-of-experts", "focal"])
def test_debiasing_goes_with_any_objective(tmp_path: Path, objective: str, debias: str) -> None:
    rows = biased(24)
    losses = {}
    for kind in ("none", debias):
        sink = ListSink()
        config = settings(objective=objective, debias=kind, max_steps=2)
        result = train(
            tiny_classifier(), rows, rows[:6], config, sink, checkpoint_dir=tmp_path / kind
        )
        losses[kind] = [step.ce for step in sink.steps]
        assert ("expert_accuracy" in result.summary) == (kind != "none")
        assert (sink.steps[0].variance is not None) == (objective == "ig-variance")
    assert losses["none"][0] != pytest.approx(losses[debias][0], rel=1e-3)
    if debias == "focal":
        assert losses[debias][0] < losses["none"][0]


def test_too_few_pairs_for_an_expert(tmp_path: Path) -> None:
    with pytest.raises(NliError, match="too few pairs"):
        train(
            tiny_classifier(),
            biased(3),
            None,
            settings(debias="focal"),
            ListSink(),
            checkpoint_dir=tmp_path,
        )
