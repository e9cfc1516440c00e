"""The kernel against Captum, finite differences, and its own axioms."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor

from nliexplorer.attribution.explain import attribute, frozen
from nliexplorer.attribution.integrated_gradients import (
    embedding_path,
    endpoint_difference,
    integrated_gradients,
)
from nliexplorer.attribution.quadrature import nodes, stratified
from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling.batching import Batch, collate
from nliexplorer.modeling.load import Classifier, load_classifier
from nliexplorer.modeling.tokenizing import encode_pairs
from nliexplorer.records import Example
from tests.realdata import minilm, real_data
from tests.tinymodels import EXAMPLES, tiny_classifier

CAPTUM_RULES = {
    "gauss-legendre": "gausslegendre",
    "midpoint": "riemann_middle",
    "trapezoid": "riemann_trapezoid",
}
FAMILIES = ("electra", "bert")


def _batch(classifier: Classifier, examples: tuple[Example, ...]) -> tuple[Batch, Tensor]:
    pairs = [(example.premise, example.hypothesis) for example in examples]
    encoded = encode_pairs(classifier.tokenizer, pairs, classifier.max_length)
    gold = torch.tensor([example.label for example in examples])
    return collate(encoded, range(len(examples))), gold


def _ours(classifier: Classifier, batch: Batch, gold: Tensor, rule: str, steps: int) -> Tensor:
    with frozen(classifier):
        path = embedding_path(classifier, batch, gold)
        return integrated_gradients(classifier.logits, path, nodes(rule, steps))[0]


def _captum(classifier: Classifier, batch: Batch, gold: Tensor, rule: str, steps: int) -> Tensor:
    """Captum on the embedding layer, all-zero baseline given as a hooked embedding output."""

    def forward(embeds: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        return classifier.logits(inputs_embeds=embeds, attention_mask=mask, token_type_ids=types)

    from captum.attr import IntegratedGradients

    embeds = classifier.embeddings(batch.input_ids).detach()
    result = IntegratedGradients(forward, multiply_by_inputs=True).attribute(
        embeds,
        baselines=torch.zeros_like(embeds),
        target=gold,
        additional_forward_args=(batch.attention_mask, batch.token_type_ids),
        n_steps=steps,
        method=CAPTUM_RULES[rule],
    )
    return result.sum(-1)


def _agree(ours: Tensor, theirs: Tensor, mask: Tensor) -> None:
    keep = mask.bool()
    gap = (ours - theirs)[keep].norm() / theirs[keep].norm()
    assert gap <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("rule", ["gauss-legendre", "midpoint"])
def test_captum_agrees(family: str, rule: str) -> None:
    classifier = tiny_classifier(family)
    batch, gold = _batch(classifier, EXAMPLES)
    theirs = _captum(classifier, batch, gold, rule, 10)
    _agree(_ours(classifier, batch, gold, rule, 10), theirs, batch.attention_mask)


def test_captum_agrees_on_the_trapezoid_up_to_its_weights() -> None:
    """Captum's trapezoid weights sum to (n - 1) / n; ours sum to 1, as completeness demands."""
    classifier = tiny_classifier()
    batch, gold = _batch(classifier, EXAMPLES)
    theirs = _captum(classifier, batch, gold, "trapezoid", 10) * 10 / 9
    _agree(_ours(classifier, batch, gold, "trapezoid", 10), theirs, batch.attention_mask)


@pytest.mark.parametrize("family", FAMILIES)
def test_captum_layer_route_agrees(family: str) -> None:
    """The hook on the word-embedding layer, the way the published code attributed."""
    classifier = tiny_classifier(family)
    batch, gold = _batch(classifier, EXAMPLES[:1])  # its baseline must be token ids: use [PAD] = 0
    with torch.no_grad():
        classifier.embeddings.weight[0] = 0.0

    def forward(ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        return classifier.logits(input_ids=ids, attention_mask=mask, token_type_ids=types)

    theirs = LayerIntegratedGradients(forward, classifier.embeddings).attribute(
        batch.input_ids,
        baselines=torch.zeros_like(batch.input_ids),
        target=gold,
        additional_forward_args=(batch.attention_mask, batch.token_type_ids),
        n_steps=10,
        method="gausslegendre",
    )
    ours = _ours(classifier, batch, gold, "gauss-legendre", 10)
    _agree(ours, theirs.sum(-1), batch.attention_mask)


@pytest.mark.slow
def test_captum_agrees_on_real_pairs_with_minilm() -> None:
    classifier = load_classifier(str(minilm()), fresh_head=True, device="cpu")
    lines = real_data("snli", "dev.jsonl").read_text("utf-8").splitlines()[:4]
    rows = [json.loads(line) for line in lines]
    examples = tuple(Example(row["premise"], row["hypothesis"], row["label"]) for row in rows)
    batch, gold = _batch(classifier, examples)
    theirs = _captum(classifier, batch, gold, "gauss-legendre", 10)
    ours = _ours(classifier, batch, gold, "gauss-legendre", 10)
    _agree(ours, theirs, batch.attention_mask)


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_complete(family: str) -> None:
    classifier = tiny_classifier(family)
    batch, gold = _batch(classifier, EXAMPLES)
    with frozen(classifier):
        path = embedding_path(classifier, batch, gold)
        rise = endpoint_difference(classifier.logits, path)
        scores = integrated_gradients(classifier.logits, path, nodes("gauss-legendre", 50))[0]
    torch.testing.assert_close(scores.sum(-1), rise, atol=1e-4, rtol=0)


def test_samples_split_the_nodes() -> None:
    """Two rules handed over as two samples give what each gives alone."""
    classifier = tiny_classifier()
    batch, gold = _batch(classifier, EXAMPLES)
    rule = stratified(len(gold), 3, torch.Generator().manual_seed(1))
    from nliexplorer.attribution.quadrature import Nodes

    both = Nodes(rule.positions.repeat(2, 1), rule.weights.repeat(2, 1))
    with frozen(classifier):
        path = embedding_path(classifier, batch, gold)
        one = integrated_gradients(classifier.logits, path, rule)
        two = integrated_gradients(classifier.logits, path, both, samples=2, chunk_tokens=50)
    torch.testing.assert_close(two[0], one[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(two[1], one[0], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("budget", [1, 40, 10_000])
@pytest.mark.parametrize("family", FAMILIES)
def test_padding_batches_and_order_change_nothing(family: str, budget: int) -> None:
    classifier = tiny_classifier(family)
    alone = {
        row: next(attribute(classifier, [example], steps=5))[1]
        for row, example in enumerate(EXAMPLES)
    }
    together = dict(attribute(classifier, EXAMPLES, steps=5, token_budget=budget))
    assert sorted(together) == sorted(alone)
    for row, result in together.items():
        np.testing.assert_allclose(result.scores, alone[row].scores, atol=1e-5)
        assert result.target == alone[row].target
        assert result.completeness_delta == pytest.approx(alone[row].completeness_delta, abs=1e-5)


def test_targets() -> None:
    classifier = tiny_classifier()
    pairs = [(example.premise, example.hypothesis) for example in EXAMPLES]
    predicted = predict(classifier, pairs).argmax(-1)
    by_row = dict(attribute(classifier, EXAMPLES, steps=2, target="predicted"))
    assert [by_row[row].target for row in range(len(EXAMPLES))] == predicted.tolist()
    by_row = dict(attribute(classifier, EXAMPLES, steps=2, target="gold"))
    assert [by_row[row].target for row in range(len(EXAMPLES))] == [e.label for e in EXAMPLES]
    assert {a.target for _, a in attribute(classifier, EXAMPLES, steps=2, target="neutral")} == {1}
    with pytest.raises(NliError, match="unknown target"):
        list(attribute(classifier, EXAMPLES, target="entailed"))


@pytest.mark.parametrize("baseline", ["zero", "mask", "pad"])
def test_baselines_are_complete(baseline: str) -> None:
    classifier = tiny_classifier()
    for _, result in attribute(classifier, EXAMPLES, steps=60, baseline=baseline):
        assert abs(result.completeness_delta or 0.0) < 1e-3
        assert result.baseline == baseline
        if baseline != "zero":  # specials stay themselves, so nothing is attributed to them
            special = [
                s
                for s, kind in zip(result.scores, result.segments, strict=True)
                if kind == "special"
            ]
            assert special == [0.0] * 3


def test_words_carry_the_users_text_and_all_of_the_scores() -> None:
    classifier = tiny_classifier()
    ((_, attribution),) = attribute(classifier, EXAMPLES[:1], steps=3)
    words = attribution.words(EXAMPLES[0].premise, EXAMPLES[0].hypothesis)
    assert [w.text for w in words if w.segment == "premise"] == EXAMPLES[0].premise.split()
    assert sum(w.score for w in words) == pytest.approx(sum(attribution.scores))


def test_attributing_leaves_the_model_as_it_was() -> None:
    classifier = tiny_classifier(dropout=0.1)
    classifier.model.train()
    list(attribute(classifier, EXAMPLES, steps=2))
    assert classifier.model.training
    assert all(p.requires_grad and p.grad is None for p in classifier.model.parameters())


def test_an_unknown_rule_or_baseline_is_named() -> None:
    classifier = tiny_classifier()
    with pytest.raises(NliError, match="quadrature rule"):
        list(attribute(classifier, EXAMPLES, rule="simpson"))
    with pytest.raises(NliError, match="baseline"):
        list(attribute(classifier, EXAMPLES, baseline="noise"))


@pytest.mark.parametrize("rule", ["gauss-legendre", "midpoint", "trapezoid"])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_rules_integrate_lines_exactly(rule: str, steps: int) -> None:
    result = nodes(rule, steps)
    assert float(result.weights.sum()) == pytest.approx(1)
    if not (rule == "trapezoid" and steps == 1):
        assert float((result.weights * result.positions).sum()) == pytest.approx(0.5)


def test_stratified_draws_stay_in_their_strata() -> None:
    result = stratified(1000, 4, torch.Generator().manual_seed(0))
    assert ((result.positions * 4).floor() == torch.arange(4)[:, None]).all()
    assert float((result.positions**2 * result.weights).sum(0).mean()) == pytest.approx(
        1 / 3, abs=0.01
    )
