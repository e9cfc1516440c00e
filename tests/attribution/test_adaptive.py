"""Nodes by pair: nested rules, scores that add up, and nothing computed twice."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from nliexplorer.attribution.adaptive import LEVELS, TOLERANCE, adaptive_scores
from nliexplorer.attribution.explain import AUTO_STEPS, attribute, frozen
from nliexplorer.attribution.integrated_gradients import (
    Forward,
    Path,
    embedding_path,
    endpoint_difference,
    integrated_gradients,
)
from nliexplorer.attribution.methods import checked_settings
from nliexplorer.attribution.quadrature import nodes
from nliexplorer.errors import NliError
from nliexplorer.modeling.batching import collate
from tests.tinymodels import EXAMPLES, tiny_classifier


def test_each_level_holds_the_one_before() -> None:
    for few, many in pairwise(LEVELS):
        within = nodes("midpoint", many).positions[1::3]
        torch.testing.assert_close(within, nodes("midpoint", few).positions)


def smooth_and_sharp(sharpness: tuple[float, ...]) -> tuple[Path, list[int], Forward]:
    """Pairs of two tokens whose logit is tanh(sharpness * (position - 0.4)): (path, rows that went
    through the model by sharpness, model)."""
    inputs = torch.ones(len(sharpness), 2, 1, dtype=torch.float64)
    slopes = torch.tensor(sharpness, dtype=torch.float64)
    seen = [0] * len(sharpness)

    def forward(inputs_embeds: Tensor, attention_mask: Tensor, row: Tensor) -> Tensor:
        for each in row[:, 0].tolist():
            seen[each] += 1
        at = inputs_embeds[:, :, 0] @ torch.tensor([0.75, 0.25], dtype=torch.float64)
        slope = slopes[row[:, 0]]
        return torch.tanh(slope * (at - 0.4))[:, None]

    row = torch.arange(len(sharpness))[:, None].expand(-1, 2)
    features = {"attention_mask": torch.ones_like(row), "row": row}
    target = torch.zeros(len(sharpness), dtype=torch.long)
    return Path(inputs, torch.zeros_like(inputs), features, target), seen, forward


def test_a_sharp_pair_gets_more_nodes_than_a_smooth_one_and_none_twice() -> None:
    sharpness = (0.5, 20.0, 60.0)
    path, seen, forward = smooth_and_sharp(sharpness)
    slopes = torch.tensor(sharpness, dtype=torch.float64)
    rise = torch.tanh(0.6 * slopes) - torch.tanh(-0.4 * slopes)
    scores, taken = adaptive_scores(forward, path, rise)
    assert taken.tolist() == list(LEVELS[:3])
    assert seen == taken.tolist()
    assert ((scores.sum(-1) - rise).abs() <= TOLERANCE * rise.abs()).all()
    torch.testing.assert_close(scores[:, 0], 3 * scores[:, 1])


def test_a_path_that_never_adds_up_ends_with_the_last_level() -> None:
    path, seen, forward = smooth_and_sharp((1.0,))
    _, taken = adaptive_scores(forward, path, torch.tensor([50.0], dtype=torch.float64))
    assert taken.tolist() == seen == [LEVELS[-1]]


def test_scores_are_those_of_the_rule_that_a_pair_ended_with() -> None:
    classifier = tiny_classifier()
    classifier.model.double()
    pairs = [(example.premise, example.hypothesis) for example in EXAMPLES]
    batch = collate(classifier.encode(pairs), range(len(pairs)))
    gold = torch.tensor([example.label for example in EXAMPLES])
    with frozen(classifier):
        path = embedding_path(classifier, batch, gold)
        rise = endpoint_difference(classifier.logits, path).double()
        scores, taken = adaptive_scores(classifier.logits, path, rise, tolerance=1e-4)
        assert len(set(taken.tolist())) > 1
        for level in set(taken.tolist()):
            (whole,) = integrated_gradients(classifier.logits, path, nodes("midpoint", level))
            rows = taken == level
            torch.testing.assert_close(scores[rows], whole[rows])


def test_attributions_add_up_whatever_the_batch() -> None:
    classifier = tiny_classifier()
    one = dict(attribute(classifier, EXAMPLES, steps=AUTO_STEPS))
    other = dict(attribute(classifier, EXAMPLES, steps=AUTO_STEPS, token_budget=32))
    for row, attribution in one.items():
        rise = sum(attribution.scores) - attribution.completeness_delta
        assert abs(attribution.completeness_delta) <= TOLERANCE * abs(rise) + 1e-6
        assert attribution.steps == AUTO_STEPS
        np.testing.assert_allclose(attribution.scores, other[row].scores, atol=1e-5)


def test_only_integrated_gradients_chooses_its_steps() -> None:
    assert checked_settings("integrated-gradients", "zero", AUTO_STEPS)[2] == AUTO_STEPS
    assert checked_settings("saliency", "auto", AUTO_STEPS)[2] == 0
    with pytest.raises(NliError, match="takes a number of steps, not auto"):
        checked_settings("gradient-shap", "zero", AUTO_STEPS)
