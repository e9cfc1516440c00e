"""The penalty's gradient: true, whole, and independent of how it was computed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from nliexplorer.attribution.integrated_gradients import integrated_gradients
from nliexplorer.attribution.quadrature import nodes
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier
from nliexplorer.training.path_penalty import PathPenalty
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.helpers import flat, inputs_of, penalty_of

FAMILIES = ("electra", "bert")
DRAW = (0, 0, 0, 0)


def _named(penalty: PathPenalty, gradients: list[Tensor | None]) -> dict[str, Tensor]:
    names = [name for name, _ in penalty.classifier.model.named_parameters()]
    return {
        name: torch.zeros(1) if gradient is None else gradient
        for name, gradient in zip(names, gradients, strict=True)
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"penalty": "both"},
        {"penalty": "concentration"},
        {"penalty": "hypothesis-share"},
        {"ig_estimator": "pairs", "ig_steps": 2},
        {"variance_over": "all"},
    ],
    ids=str,
)
def test_exact_gradient_agrees_with_finite_differences(family: str, values: Any) -> None:
    """Central differences in float64 along a random direction of every parameter tensor."""
    classifier = tiny_classifier(family)
    classifier.model.double()
    penalty = penalty_of(classifier, **values)
    inputs = inputs_of(classifier, EXAMPLES[2:5])
    cheap = penalty_of(classifier, penalty_gradient="embedding", **values)  # the same value
    result = penalty.share(inputs, DRAW).gradients
    generator = torch.Generator().manual_seed(3)
    whole = float(flat(result, penalty.parameters).norm())
    for parameter, gradient in zip(penalty.parameters, result, strict=True):
        direction = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        direction /= direction.norm()
        step = 1e-6
        values_at = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(direction, alpha=sign * step)
            values_at.append(float(cheap.share(inputs, DRAW).total))
            with torch.no_grad():
                parameter.add_(direction, alpha=-sign * step)
        numeric = (values_at[0] - values_at[1]) / (2 * step)
        analytic = 0.0 if gradient is None else float((gradient * direction).sum())
        assert analytic == pytest.approx(numeric, rel=1e-5, abs=1e-7 * whole)


@pytest.mark.parametrize("family", FAMILIES)
def test_exact_reaches_every_weight_matrix_and_embedding_none(family: str) -> None:
    classifier = tiny_classifier(family)
    inputs = inputs_of(classifier)
    exact = penalty_of(classifier)
    matrices = {
        name
        for name, parameter in classifier.model.named_parameters()
        if parameter.dim() == 2 and "embeddings." not in name
    }
    assert len(matrices) >= 13
    reached = _named(exact, exact.share(inputs, DRAW).gradients)
    assert {name for name in matrices if float(reached[name].norm()) > 0} == matrices
    detached = penalty_of(classifier, penalty_gradient="embedding")
    reached = _named(detached, detached.share(inputs, DRAW).gradients)
    touched = {name for name, gradient in reached.items() if float(gradient.norm()) > 0}
    assert touched == {name for name in reached if "word_embeddings" in name}


def test_embedding_gradient_is_that_of_captums_detached_route() -> None:
    classifier = tiny_classifier()
    inputs = inputs_of(classifier)
    penalty = penalty_of(classifier, penalty_gradient="embedding", ig_steps=10)
    ours = _named(penalty, penalty.share(inputs, DRAW).gradients)

    def forward(embeds: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        return classifier.logits(inputs_embeds=embeds, attention_mask=mask, token_type_ids=types)

    embeds = classifier.embeddings(inputs["input_ids"])
    attributions = IntegratedGradients(forward).attribute(
        embeds,
        baselines=torch.zeros_like(embeds),
        target=inputs["labels"],
        additional_forward_args=(inputs["attention_mask"], inputs["token_type_ids"]),
        n_steps=10,
        method="gausslegendre",
    )
    scores = attributions.sum(-1)
    words = inputs["segments"] > 0
    total = sum(row[kept].var(unbiased=False) for row, kept in zip(scores, words, strict=True))
    (theirs,) = torch.autograd.grad(total, classifier.embeddings.weight)
    (name,) = [name for name in ours if "word_embeddings" in name]
    assert float((ours[name] - theirs).norm() / theirs.norm()) <= 1e-5


@pytest.mark.parametrize("mode", ["exact", "embedding"])
@pytest.mark.parametrize("path_tokens", [16, 60, 300])
def test_short_memory_changes_nothing(mode: str, path_tokens: int) -> None:
    classifier = tiny_classifier()
    inputs = inputs_of(classifier)
    wide = penalty_of(classifier, penalty_gradient=mode).share(inputs, DRAW)
    tight = penalty_of(classifier, penalty_gradient=mode, path_tokens=path_tokens).share(
        inputs, DRAW
    )
    assert float(tight.total) == pytest.approx(float(wide.total), rel=1e-5)
    parameters = list(classifier.model.parameters())
    torch.testing.assert_close(
        flat(tight.gradients, parameters),
        flat(wide.gradients, parameters),
        atol=1e-5 * float(flat(wide.gradients, parameters).abs().max()),
        rtol=1e-4,
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("over", ["words", "all"])
def test_padding_matters_only_where_it_is_counted(family: str, over: str) -> None:
    classifier = tiny_classifier(family)
    penalty = penalty_of(classifier, variance_over=over)
    alone = sum(
        float(penalty.share(inputs_of(classifier, (example,)), DRAW).total) for example in EXAMPLES
    )
    together = float(penalty.share(inputs_of(classifier), DRAW).total)
    if over == "words":
        assert together == pytest.approx(alone, rel=1e-5)
    else:
        assert together != pytest.approx(alone, rel=1e-2)


def with_marks(inputs: dict[str, Any], rows: tuple[int, ...]) -> dict[str, Any]:
    """The last word of each sentence of these rows as the rationale."""
    segments = inputs["segments"]
    marks = torch.zeros_like(segments, dtype=torch.bool)
    for row in rows:
        for code in (1, 2):
            marks[row, (segments[row] == code).nonzero()[-1]] = True
    return {**inputs, "rationale": marks}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"ig_steps": 1, "ig_rule": "trapezoid"},  # input x gradient
        {"ig_estimator": "pairs", "ig_steps": 2},
        {"ig_estimator": "sampled", "ig_steps": 4, "ig_gradient_steps": 4},
        {"penalty_gradient": "embedding"},
    ],
    ids=str,
)
def test_two_sided_rationales_go_with_every_estimator(values: Any) -> None:
    """A descent step along the gradient lowers V; pairs without a rationale cost nothing."""
    classifier = tiny_classifier()
    penalty = penalty_of(classifier, penalty="rationale-two-sided", **values)
    inputs = with_marks(inputs_of(classifier, EXAMPLES[2:5]), (0, 2))
    share = penalty.share(inputs, DRAW)
    alone = {name: value[[0, 2]] for name, value in inputs.items()}
    if "ig_estimator" not in values:  # the others draw their nodes
        each = penalty.value(alone, penalty.steps)
        torch.testing.assert_close(share.total, each.sum(), rtol=1e-4, atol=1e-5)
    gradient = flat(share.gradients, penalty.parameters)
    assert float(gradient.norm()) > 0
    step = 1e-3 / float(gradient.norm())
    with torch.no_grad():
        for parameter, part in zip(penalty.parameters, share.gradients, strict=True):
            if part is not None:
                parameter.sub_(part, alpha=step)
    assert float(penalty.share(inputs, DRAW).total) < float(share.total)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"path_tokens": 40},
        {"ig_estimator": "sampled", "ig_steps": 3, "ig_gradient_steps": 3},
    ],
    ids=str,
)
def test_the_path_outside_the_rationale_agrees_with_finite_differences(values: Any) -> None:
    classifier = tiny_classifier()
    classifier.model.double()
    inputs = with_marks(inputs_of(classifier, EXAMPLES[2:5]), (0, 2))
    penalty = penalty_of(classifier, penalty="rationale", ig_path="outside-rationale", **values)
    gradients = penalty.share(inputs, DRAW).gradients
    generator = torch.Generator().manual_seed(5)
    for parameter, gradient in zip(penalty.parameters, gradients, strict=True):
        direction = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        totals = []
        for step in (1e-6, -2e-6, 1e-6):
            with torch.no_grad():
                parameter.add_(direction, alpha=step)
            totals.append(float(penalty.share(inputs, DRAW).total))
        analytic = 0.0 if gradient is None else float((gradient * direction).sum())
        assert analytic == pytest.approx((totals[0] - totals[1]) / 2e-6, rel=1e-4, abs=1e-7)


def test_words_that_stand_still_score_nothing_and_the_others_what_they_add() -> None:
    """Their scores sum to F(pair) - F(the pair with those words at the baseline)."""
    classifier = tiny_classifier()
    classifier.model.eval()
    inputs = with_marks(inputs_of(classifier, EXAMPLES[2:5]), (0, 1, 2))
    penalty = penalty_of(classifier, penalty="rationale", ig_path="outside-rationale", ig_steps=60)
    outside = (inputs["segments"] > 0) & ~inputs["rationale"]
    task = penalty.task(inputs, torch.Generator())
    with penalty.path_mode():
        (scores,) = integrated_gradients(task.forward, task.path, nodes("gauss-legendre", 60))
    assert scores[~outside].abs().max() == 0
    embeds = classifier.embeddings(inputs["input_ids"])
    features = {name: inputs[name] for name in ("attention_mask", "token_type_ids")}
    logits = [
        classifier.logits(inputs_embeds=each, **features).gather(1, inputs["labels"][:, None])[:, 0]
        for each in (embeds, embeds.masked_fill(outside[..., None], 0.0))
    ]
    torch.testing.assert_close(scores.sum(-1), logits[0] - logits[1], atol=1e-4, rtol=1e-4)


def test_a_path_without_the_words_that_a_penalty_reads_is_refused() -> None:
    for name in ("variance", "rationale-two-sided"):
        with pytest.raises(NliError, match=f"the {name} penalty reads others"):
            penalty_of(tiny_classifier(), penalty=name, ig_path="outside-rationale")


def test_a_batch_without_rationales_costs_nothing() -> None:
    classifier = tiny_classifier()
    penalty = penalty_of(classifier, penalty="rationale-two-sided")
    share = penalty.share(with_marks(inputs_of(classifier), ()), DRAW)
    assert float(share.total) == 0
    assert share.gradients == [None] * len(penalty.parameters)


def test_path_is_free_of_dropout_unless_asked() -> None:
    classifier = tiny_classifier(dropout=0.3)
    classifier.model.train()
    inputs = inputs_of(classifier)
    totals = {}
    for dropout in (False, True):
        penalty = penalty_of(classifier, path_dropout=dropout)
        totals[dropout] = [float(penalty.share(inputs, DRAW).total) for _ in range(2)]
    assert totals[False][0] == totals[False][1]
    assert totals[True][0] != totals[True][1]
    assert classifier.model.training


def test_token_types_go_along_unless_left_out() -> None:
    classifier = tiny_classifier()
    inputs = inputs_of(classifier)
    with_types = penalty_of(classifier).share(inputs, DRAW)
    without = penalty_of(classifier, path_token_types=False).share(inputs, DRAW)
    assert float(with_types.total) != pytest.approx(float(without.total), rel=1e-3)


def test_completeness_delta_vanishes_with_many_nodes() -> None:
    classifier = tiny_classifier()
    inputs = inputs_of(classifier)
    deltas = []
    for steps in (3, 60):
        share = penalty_of(classifier, ig_steps=steps).share(inputs, DRAW, with_delta=True)
        assert share.measured == len(EXAMPLES)
        assert share.delta is not None
        deltas.append(float(share.delta) / share.measured)
    assert deltas[1] < 1e-3 < deltas[0]


def _repeated(classifier: Classifier, times: int) -> dict[str, Any]:
    """The examples as one batch, `times` over; each copy of a pair draws nodes of its own."""
    return {name: torch.cat([value] * times) for name, value in inputs_of(classifier).items()}


@pytest.mark.slow
def test_pairs_are_unbiased() -> None:
    """500 draws of 2 + 2 nodes against 50 nodes: V within 3 %."""
    classifier = _smooth(tiny_classifier())
    inputs = inputs_of(classifier)
    values: dict[str, Any] = {"penalty_gradient": "embedding"}  # the value is the same, for less
    expected = float(penalty_of(classifier, ig_steps=50, **values).share(inputs, DRAW).total)
    pairs = penalty_of(classifier, ig_estimator="pairs", ig_steps=2, **values)
    result = float(pairs.share(_repeated(classifier, 500), DRAW).total) / 500
    assert result == pytest.approx(expected, rel=0.03)


def test_pairs_gradient_points_the_right_way() -> None:
    """The mean gradient of 32 draws has a cosine of at least 0.97 to that of 50 nodes."""
    classifier = _smooth(tiny_classifier())
    penalty = penalty_of(classifier, ig_steps=50)
    expected = flat(penalty.share(inputs_of(classifier), DRAW).gradients, penalty.parameters)
    pairs = penalty_of(classifier, ig_estimator="pairs", ig_steps=2)
    result = flat(pairs.share(_repeated(classifier, 32), DRAW).gradients, penalty.parameters)
    assert float(torch.nn.functional.cosine_similarity(result, expected, dim=0)) >= 0.97


def _smooth(classifier: Classifier) -> Classifier:
    """Weights of a size that training leaves: the integrand varies, as a real model's does."""
    with torch.no_grad():
        for parameter in classifier.model.parameters():
            parameter.mul_(0.6)
    return classifier


def test_a_part_of_the_batch_stands_for_all() -> None:
    """One pair of three, times three: each pair has its turn, so that the mean is the sum."""
    classifier = tiny_classifier()
    inputs = inputs_of(classifier, EXAMPLES[:3])
    penalty = penalty_of(classifier, penalty_fraction=1 / 3, penalty_gradient="embedding")
    single = penalty.value(inputs, penalty.steps).tolist()
    assert len({round(value, 6) for value in single}) == 3
    turns = [0, 0, 0]
    for draw in range(60):
        total = float(penalty.share(inputs, (0, draw, 0, 0)).total)
        (at,) = [n for n, value in enumerate(single) if total == pytest.approx(3 * value, rel=1e-5)]
        turns[at] += 1
    assert min(turns) >= 10  # of 20 each on average; fewer has a chance of 1 in 100


def test_pairs_refuse_what_is_not_quadratic() -> None:
    with pytest.raises(NliError, match="quadratic"):
        penalty_of(tiny_classifier(), ig_estimator="pairs", penalty="stopwords")
