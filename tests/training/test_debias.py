"""Debiasing losses against closed forms, and runs that use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, Example
from nliexplorer.training.debias import (
    METHODS,
    classification_loss,
    error_weights,
    focal,
    product_of_experts,
    scaled_teacher,
)
from nliexplorer.training.experts import joint_expert
from nliexplorer.training.group_dro import GroupWeights, artefact_groups
from nliexplorer.training.run import train
from tests.tinymodels import tiny_classifier
from tests.training.helpers import dynamics_of, parameters_of, same_parameters, settings
from tests.training.list_sink import ListSink, StoppingSink

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


def gold_of(rows: list[Example]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([row.gold for row in rows])


def test_the_expert_is_out_of_fold_and_finite() -> None:
    rows = biased(60)
    expert = joint_expert(["hypothesis"], rows, gold_of(rows))
    assert expert.accuracy > 0.95
    assert expert.log_probabilities.shape == (60, len(LABELS))
    np.testing.assert_allclose(np.exp(expert.log_probabilities).sum(1), 1.0, atol=1e-5)
    draw = np.random.default_rng(0)
    chance = joint_expert(["hypothesis"], rows, draw.permutation(60) % 3)
    assert chance.accuracy < 0.6  # it cannot learn its own pairs by heart


def overlapping(n: int) -> list[Example]:
    """Entailments repeat the premise; the words themselves say nothing."""
    nouns = ("man", "woman", "dog", "cat", "boy", "girl")
    rows = []
    for i in range(n):
        same, other = nouns[i // 3 % 6], nouns[(i // 3 + 1 + i % 2) % 6]
        premise = f"The {same} runs outside"
        label = i % 3
        text = (f"The {same} runs", f"The {other} runs", f"Nobody near the {other} runs")[label]
        rows.append(Example(premise, text, label))
    return rows


def test_the_overlap_expert_sees_what_the_hypothesis_does_not_say() -> None:
    rows = overlapping(90)
    gold = gold_of(rows)
    overlap = joint_expert(["overlap"], rows, gold)
    hypothesis = joint_expert(["hypothesis"], rows, gold)
    assert overlap.accuracy > 0.95
    assert hypothesis.accuracy < 0.85
    both = joint_expert(["hypothesis", "overlap"], rows, gold, temperature=2.0)
    product = (hypothesis.log_probabilities + overlap.log_probabilities) / 2
    product -= np.log(np.exp(product).sum(1, keepdims=True))
    np.testing.assert_allclose(both.log_probabilities, product, atol=1e-5)


def test_a_high_temperature_leaves_plain_training() -> None:
    rows = biased(30)
    vague = joint_expert(["hypothesis"], rows, gold_of(rows), temperature=1e6)
    np.testing.assert_allclose(vague.log_probabilities, np.log(1 / 3), atol=1e-4)
    with pytest.raises(NliError, match="unknown expert: 'premise'"):
        joint_expert(["premise"], rows, gold_of(rows))


def test_what_the_first_model_gets_wrong_weighs_more() -> None:
    logits = np.array([[2.0, 0, 0], [0, 2, 0], [0, 0, 2], [2, 0, 0]])
    weights, wrong = error_weights(logits, np.array([0, 1, 2, 1]), 5.0)
    assert wrong == 1
    np.testing.assert_allclose(weights, np.array([1, 1, 1, 5]) / 2)


def test_the_teacher_is_flattened_where_the_expert_is_right() -> None:
    p = np.array([[0.7, 0.2, 0.1]] * 3)
    expert = np.log(np.array([[1.0, 1e-9, 1e-9], [0.5, 0.3, 0.2], [1e-9, 0.5, 0.5]]))
    targets = scaled_teacher(np.log(p), np.array([0, 0, 0]), expert.astype(np.float32))
    np.testing.assert_allclose(targets[0], [1 / 3] * 3, atol=1e-6)
    np.testing.assert_allclose(targets[1], np.sqrt(p[1]) / np.sqrt(p[1]).sum(), rtol=1e-5)
    np.testing.assert_allclose(targets[2], p[2], rtol=1e-5)


def test_groups_are_labels_by_what_the_hypothesis_gives_away() -> None:
    rows = biased(600)
    groups = artefact_groups([row.hypothesis for row in rows], gold_of(rows))
    assert np.bincount(groups).tolist() == [200] * 3  # each speaks for its own label
    mixed = [*rows, *(Example(row.premise, row.hypothesis, 0) for row in rows[1:300:3])]
    groups = artefact_groups([row.hypothesis for row in mixed], gold_of(mixed))
    assert sorted(np.bincount(groups).tolist()) == [100, 200, 200, 200]
    rare = mixed[:605]
    groups = artefact_groups([row.hypothesis for row in rare], gold_of(rare))
    assert groups.max() + 1 == 4  # too few for a group: with their label's pairs without artefact


def test_the_worst_group_gains_weight_as_sagawa_has_it() -> None:
    groups = np.array([0, 0, 0, 1])
    weights = GroupWeights(groups, step=0.5)
    rows = torch.arange(4)
    torch.testing.assert_close(weights.of(rows), torch.ones(4))
    weights.update(rows, torch.tensor([0.1, 0.2, 0.3, 2.0]))
    raw = np.array([0.75 * np.exp(0.5 * 0.2), 0.25 * np.exp(0.5 * 2.0)])
    q = raw / raw.sum()
    np.testing.assert_allclose(weights.q, q)
    np.testing.assert_allclose(weights.of(rows), (q / [0.75, 0.25])[groups], rtol=1e-6)
    assert float(weights.of(rows).mean()) == pytest.approx(1.0)  # the loss keeps its size


@pytest.mark.parametrize("debias", ["group-dro", "jtt"])
def test_weights_survive_a_resume(tmp_path: Path, debias: str) -> None:
    rows = biased(24)
    mixed = [*rows, *(Example(row.premise, row.hypothesis, 0) for row in rows[1:24:3])]
    values = {"objective": "baseline", "debias": debias, "dro_step": 0.5, "eval_every": 0.2}

    ends = []
    for name, stop in (("whole", 0), ("halves", 4)):
        arguments: Any = (mixed, mixed[:6], settings(**values))
        if stop:
            with pytest.raises(KeyboardInterrupt):
                train(
                    tiny_classifier(),
                    *arguments,
                    StoppingSink(stop),
                    checkpoint_dir=tmp_path / name,
                )
        classifier = tiny_classifier()
        train(classifier, *arguments, ListSink(), checkpoint_dir=tmp_path / name, resume=stop > 0)
        ends.append(parameters_of(classifier))
    same_parameters(*ends)


@pytest.mark.parametrize("debias", [name for name in METHODS if name != "none"])
def test_debiasing_goes_with_any_objective(tmp_path: Path, debias: str) -> None:
    rows = [*biased(24), *(Example(r.premise, r.hypothesis, 0) for r in biased(6))]
    losses = {}
    values = {"jtt_epochs": 0.4, "dro_step": 5.0, "z_threshold": 1.5, "max_steps": 3}
    for objective, kind in (("ig-variance", "none"), ("baseline", debias), ("ig-variance", debias)):
        sink = ListSink()
        config = settings(objective=objective, debias=kind, **values)
        result = train(tiny_classifier(), rows, rows[:6], config, sink, checkpoint_dir=tmp_path)
        losses[objective, kind] = [step.ce for step in sink.steps]
        assert ("expert_accuracy" in result.summary) == METHODS[kind].needs_expert
        assert ("first_model_accuracy" in result.summary) == METHODS[kind].needs_first_model
        assert (sink.steps[0].variance is not None) == (objective == "ig-variance")
    last = 1 if debias == "group-dro" else 0  # its weights are even at first
    plain, debiased = losses["ig-variance", "none"], losses["ig-variance", debias]
    assert plain[last] != pytest.approx(debiased[last], rel=1e-3)
    assert losses["baseline", debias][0] == pytest.approx(debiased[0], rel=1e-5)
    if debias == "focal":
        assert debiased[0] < plain[0]


@pytest.mark.parametrize(
    "debias", ["product-of-experts", "jtt", "confidence-regularisation", "group-dro"]
)
def test_the_warm_up_is_plain_training(tmp_path: Path, debias: str) -> None:
    rows = [*biased(24), *(Example(r.premise, r.hypothesis, 0) for r in biased(6))]
    values: dict[str, Any] = {
        "objective": "baseline",
        "max_steps": 5,
        "dro_step": 5.0,
        "jtt_epochs": 0.4,
    }
    courses = []
    for changes in ({}, {"debias": debias, "debias_warmup": 0.5}):
        sink = ListSink()
        config = settings(**values, **changes)
        train(tiny_classifier(), rows, None, config, sink, checkpoint_dir=tmp_path)
        courses.append([step.ce for step in sink.steps])
    plain, warm = courses
    assert warm[:3] == pytest.approx(plain[:3], rel=1e-6)  # updates 0, 1, 2 of 5
    last = 4 if debias == "group-dro" else 3  # whose weights are even at first
    assert warm[last] != pytest.approx(plain[last], rel=1e-3)


def test_the_first_model_leaves_no_trace_in_the_second(tmp_path: Path) -> None:
    """With every weight 1, training twice is training once."""
    rows = biased(24)
    ends = []
    for values in ({}, {"debias": "jtt", "jtt_upweight": 1.0}):
        classifier = tiny_classifier(dropout=0.1)
        config = settings(objective="baseline", max_steps=3, **values)
        train(classifier, rows, None, config, ListSink(), checkpoint_dir=tmp_path)
        ends.append(parameters_of(classifier))
    same_parameters(*ends)


def test_the_z_filter_says_what_it_drops_and_dynamics_keep_their_rows(tmp_path: Path) -> None:
    rows = biased(30)
    sink = ListSink()
    config = settings(
        objective="baseline", debias="z-filter", z_threshold=2.0, record_dynamics=True
    )
    result = train(tiny_classifier(), rows, None, config, sink, checkpoint_dir=tmp_path)
    dropped = result.summary["dropped_pairs"]
    assert 0 < dropped < 30
    assert f"z-filter: {dropped} of 30 pairs dropped" in sink.log
    seen = {row for _, row in dynamics_of(sink)}
    assert len(seen) == 30 - dropped
    assert max(seen) > len(seen)  # numbers of the training data, not of what is left


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
