"""Estimates of the penalty's gradient: unbiased, exact where everything is drawn, listed once."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from nliexplorer.attribution.quadrature import Nodes, nodes, shifted
from nliexplorer.cli import app
from nliexplorer.config import ESTIMATORS, TrainConfig
from nliexplorer.errors import NliError
from nliexplorer.training import estimators
from nliexplorer.training.estimators import _REGISTRY, draw_nodes
from nliexplorer.workflow.study.plan import load_plan
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.helpers import flat, inputs_of, penalty_of, settings

DRAW = (0, 0, 0, 0)


@pytest.fixture
def nodes_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nodes of `sampled` stay where the rule has them."""

    def unshifted(rule: Nodes, pairs: int, _: torch.Generator) -> Nodes:
        return Nodes(*(each[:, None].expand(-1, pairs) for each in (rule.positions, rule.weights)))

    monkeypatch.setattr(estimators, "shifted", unshifted)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_help_and_engine_know_the_same_estimators() -> None:
    assert list(_REGISTRY) == list(ESTIMATORS)
    text = " ".join(
        CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "400"}).output.split()
    )
    assert all(name in text for name in ESTIMATORS)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_drawn_nodes_are_as_many_as_asked_and_unbiased(steps: int) -> None:
    """The mean of 1 / pi over 4,000 draws is 1 for every node, the rare ones included."""
    terms = torch.rand(10, 6, generator=generator(1)) ** 4
    terms[3] = 0
    draws = torch.stack([draw_nodes(terms, steps, generator(seed)) for seed in range(4000)])
    assert {int((draw > 0).sum()) for draw in draws} == {steps * 6}
    spread = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - 1).abs() <= 4.5 * spread + 1e-9).all()


def test_likely_nodes_are_drawn_more_often_and_weigh_less() -> None:
    terms = torch.ones(8, 1)
    terms[5] = 20.0
    kept = sum(draw_nodes(terms, 2, generator(seed)) for seed in range(200))
    assert kept[5] == 200  # its share of two draws is above 1: always there, with weight 1


def test_nothing_to_draw_by_is_drawn_uniformly() -> None:
    kept = draw_nodes(torch.zeros(6, 2), 3, generator())
    assert kept[kept > 0].tolist() == [2.0] * 6


@pytest.mark.usefixtures("nodes_in_place")
@pytest.mark.parametrize("penalty", ["variance", "both", "concentration"])
def test_all_nodes_drawn_give_the_exact_gradient(penalty: str) -> None:
    classifier = tiny_classifier()
    classifier.model.double()
    inputs = inputs_of(classifier)
    values: dict[str, Any] = {"ig_steps": 5, "penalty": penalty}
    exact = penalty_of(classifier, path_tokens=16, **values)
    drawn = penalty_of(classifier, ig_estimator="sampled", ig_gradient_steps=5, **values)
    one, other = exact.share(inputs, DRAW), drawn.share(inputs, DRAW)
    assert float(other.total) == pytest.approx(float(one.total), rel=1e-12)
    torch.testing.assert_close(
        flat(other.gradients, drawn.parameters),
        flat(one.gradients, exact.parameters),
        rtol=1e-9,
        atol=1e-12,
    )


@pytest.mark.usefixtures("nodes_in_place")
def test_the_value_is_exact_and_the_gradient_unbiased() -> None:
    """The mean of 150 draws of 1 of 4 nodes is the exact gradient, within 4 standard errors along
    each of 10 random directions; one draw alone is far from it. The penalty is not quadratic."""
    penalty = "hypothesis-share"
    classifier = tiny_classifier()
    inputs = inputs_of(classifier, EXAMPLES[2:4])
    exact = penalty_of(classifier, ig_steps=4, penalty=penalty)
    share = exact.share(inputs, DRAW)
    expected = flat(share.gradients, exact.parameters)
    sampled = penalty_of(
        classifier, ig_estimator="sampled", ig_steps=4, ig_gradient_steps=1, penalty=penalty
    )
    directions = torch.randn(10, len(expected), generator=generator(7))
    collected = []
    for draw in range(150):
        one = sampled.share(inputs, (draw,))
        assert float(one.total) == pytest.approx(float(share.total), rel=1e-5)
        collected.append(directions @ flat(one.gradients, sampled.parameters))
    draws = torch.stack(collected)
    spread = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - directions @ expected).abs() <= 4 * spread).all()
    assert (draws[0] - directions @ expected).norm() > 0.05 * (directions @ expected).norm()


def test_shifted_nodes_are_unbiased_where_fixed_ones_miss_a_peak() -> None:
    """A peak between two of six nodes: the rule sees nothing of it, the mean over shifts all."""

    def integral(rule: Nodes) -> torch.Tensor:
        peak = torch.exp(-(((rule.positions - 0.5) / 0.02) ** 2)) / (0.02 * torch.pi**0.5)
        return (rule.weights * peak).sum(0)

    rule = nodes("gauss-legendre", 6)
    moved = shifted(rule, 20_000, generator())
    assert float(integral(rule)) < 1e-3
    assert float(integral(moved).mean()) == pytest.approx(1, abs=0.1)
    assert (moved.positions.diff(dim=0) > 0).all()
    torch.testing.assert_close(moved.weights.sum(0), torch.ones(20_000, dtype=torch.float64))
    parts = (moved.positions - (rule.weights.cumsum(0) - rule.weights)[:, None]) / moved.weights
    torch.testing.assert_close(parts, parts[:1].expand_as(parts))
    assert float(parts.std()) > 0.25


def test_each_pair_and_draw_has_a_shift_of_its_own() -> None:
    """So that V of a sharp path scatters about that of many nodes instead of missing it."""
    classifier = tiny_classifier()
    inputs = inputs_of(classifier, EXAMPLES[2:4])
    few = penalty_of(classifier, ig_estimator="sampled", ig_steps=2, ig_gradient_steps=1)
    values = [float(few.share(inputs, (draw,)).total) for draw in range(20)]
    assert len(set(values)) == 20
    assert min(values) < float(few.value(inputs, 60).sum()) < max(values)


def test_a_sampled_penalty_has_no_running_mean() -> None:
    assert not penalty_of(tiny_classifier(), ig_estimator="sampled").is_random


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ig_estimator": "magic"}, "unknown estimator"),
        ({"ig_estimator": "sampled", "ig_steps": 2, "ig_gradient_steps": 3}, "more than the 2"),
        ({"ig_estimator": "sampled", "penalty_gradient": "embedding"}, "exact gradient only"),
    ],
    ids=str,
)
def test_what_cannot_be_estimated_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(NliError, match=message):
        settings(**values)


def test_earlier_configurations_read_as_before() -> None:
    """No key beside theirs is stored, so that studies find the runs they made before."""
    assert "ig_gradient_steps" not in TrainConfig().as_dict()
    assert "train_split" not in TrainConfig().as_dict()
    keys = "".join(sorted(task.key for task in load_plan("planted", {}).tasks(())))
    assert hashlib.sha256(keys.encode()).hexdigest()[:12] == "8edf2506bb7b"  # as of version 0.1's
    sampled = TrainConfig(ig_estimator="sampled", ig_gradient_steps=3)
    assert sampled.as_dict()["ig_gradient_steps"] == 3
