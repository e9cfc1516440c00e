"""Every method against Captum used plainly, one pair at a time, and against its own axioms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, Saliency
from torch import Tensor
from transformers import AlbertConfig, AlbertForSequenceClassification

from nliexplorer.attribution.methods import METHODS, attribute, checked_settings
from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling.load import Classifier
from nliexplorer.records import Attribution, Example
from tests.tinymodels import EXAMPLES, tiny_classifier

FAMILIES = ("electra", "bert")


def attributions(classifier: Classifier, method: str, **settings: object) -> list[Attribution]:
    result = dict(attribute(classifier, EXAMPLES, method=method, **settings))  # type: ignore[arg-type]
    return [result[row] for row in range(len(EXAMPLES))]


def encoded(classifier: Classifier, example: Example) -> dict[str, Tensor]:
    return dict(classifier.tokenizer(example.premise, example.hypothesis, return_tensors="pt"))


def forward(classifier: Classifier, inputs: dict[str, Tensor]):  # type: ignore[no-untyped-def]
    def run(embeddings: Tensor) -> Tensor:
        return classifier.logits(
            inputs_embeds=embeddings,
            attention_mask=inputs["attention_mask"].expand(len(embeddings), -1),
            token_type_ids=inputs["token_type_ids"].expand(len(embeddings), -1),
        )

    return run


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_scores_every_token_of_every_pair(method: str, family: str) -> None:
    """In float64, where rounding cannot hide a pair's leaning on its batch: this model's saliency
    of up to 75 logits a unit differs by 3e-5 between two paddings in float32, by 1e-13 here."""
    classifier = tiny_classifier(family)
    classifier.model.double()
    result = attributions(classifier, method, target="gold")
    again = attributions(classifier, method, target="gold", token_budget=40)
    for one, other, example in zip(result, again, EXAMPLES, strict=True):
        assert one.tokens == other.tokens
        assert one.method == method
        assert one.target == example.label
        assert np.isfinite(one.scores).all()
        assert np.ptp(one.scores) > 0
        np.testing.assert_allclose(one.scores, other.scores, rtol=1e-9, atol=1e-7)
        assert (one.completeness_delta is not None) == METHODS[method].complete
        _, baseline, steps = checked_settings(
            method, "zero" if METHODS[method].baseline else "none"
        )
        assert (one.baseline, one.steps) == (baseline, steps)
    assert not any(parameter.grad is not None for parameter in classifier.model.parameters())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("name", "theirs"), [("saliency", Saliency), ("input-x-gradient", InputXGradient)]
)
def test_captum_used_plainly_agrees(name: str, theirs: type, family: str) -> None:
    classifier = tiny_classifier(family)
    for example, result in zip(EXAMPLES, attributions(classifier, name, target=2), strict=True):
        inputs = encoded(classifier, example)
        embeddings = classifier.embeddings(inputs["input_ids"]).detach()
        expected = theirs(forward(classifier, inputs)).attribute(embeddings, target=2).sum(-1)[0]
        np.testing.assert_allclose(result.scores, expected.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("baseline", ["zero", "mask", "pad"])
def test_gradient_shap_tends_to_integrated_gradients(baseline: str) -> None:
    """Without noise its expectation over draws is the path integral."""
    classifier = tiny_classifier()
    settings = {"target": "gold", "baseline": baseline}
    path = attributions(classifier, "integrated-gradients", steps=60, **settings)
    shap = attributions(classifier, "gradient-shap", steps=2000, **settings)
    few = attributions(classifier, "gradient-shap", steps=5, **settings)

    def error(attribution: list[Attribution]) -> float:
        a, b = (np.concatenate([x.scores for x in each]) for each in (attribution, path))
        return float(np.linalg.norm(a - b) / np.linalg.norm(b))

    assert error(shap) < 0.15
    assert error(shap) < error(few)
    deltas = [abs(each.completeness_delta or 0.0) for each in path]
    assert max(deltas) < 1e-2


def test_feature_ablation_is_the_cost_of_each_word() -> None:
    classifier = tiny_classifier()
    example = Example("A man sleeps on grasses .", "The man is sleeping .", 0)  # grass + ##es, …
    ((_, attribution),) = attribute(classifier, [example], method="feature-ablation", target=0)
    inputs = encoded(classifier, example)
    embeddings = classifier.embeddings(inputs["input_ids"]).detach()
    run = forward(classifier, inputs)
    words = tokens_by_word(attribution)
    with torch.no_grad():
        full = run(embeddings)[0, 0]
        for word, tokens in words.items():
            erased = embeddings.clone()
            erased[0, tokens] = 0.0
            cost = float(full - run(erased)[0, 0])
            assert sum(attribution.scores[t] for t in tokens) == pytest.approx(cost, abs=1e-5), word
    assert all(
        score == 0
        for score, s in zip(attribution.scores, attribution.segments, strict=True)
        if s == "special"
    )


def tokens_by_word(attribution: Attribution) -> dict[tuple[str, int], list[int]]:
    words: dict[tuple[str, int], list[int]] = {}
    for token, (segment, word) in enumerate(
        zip(attribution.segments, attribution.word_ids, strict=True)
    ):
        if word is not None:
            words.setdefault((segment, word), []).append(token)
    return words


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_rollout_is_a_product_of_attention_matrices(implementation: str) -> None:
    classifier = tiny_classifier("bert")
    inputs = encoded(classifier, EXAMPLES[1])
    with torch.no_grad():
        layers = classifier.model(**inputs, output_attentions=True).attentions
    flow = np.eye(layers[0].shape[-1])
    for weights in layers:
        mixed = 0.5 * weights[0].mean(0).numpy() + 0.5 * np.eye(len(flow))
        flow = mixed @ flow
    if implementation != "eager":
        if not hasattr(classifier.model, "set_attn_implementation"):
            pytest.skip("this transformers cannot change a loaded model's attention")
        classifier.model.set_attn_implementation(implementation)
    result = attributions(classifier, "attention-rollout")[1]
    np.testing.assert_allclose(result.scores, flow[0], atol=1e-5)
    assert sum(result.scores) == pytest.approx(1.0, abs=1e-5)
    assert classifier.model.config._attn_implementation == implementation


def test_deeplift_is_exact_where_all_is_linear_but_its_activations() -> None:
    """A bag of embeddings through a GELU layer: rescale sums up, plain gradients do not."""
    classifier = tiny_classifier()
    classifier = Classifier(
        _Bag(classifier.model), classifier.tokenizer, "bag", (0, 1, 2), 64, torch.device("cpu")
    )
    for result in attributions(classifier, "deeplift", target="gold"):
        assert result.completeness_delta == pytest.approx(0.0, abs=1e-4)
    plain = attributions(classifier, "input-x-gradient", target=0)
    logits = predict(classifier, [(e.premise, e.hypothesis) for e in EXAMPLES])
    gaps = [abs(sum(result.scores) - row[0]) for result, row in zip(plain, logits, strict=True)]
    assert max(gaps) > 1e-2


class _Bag(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.table = model.get_input_embeddings()  # type: ignore[operator]
        generator = torch.Generator().manual_seed(0)
        self.inner = torch.nn.Linear(16, 8, bias=False)
        self.act = torch.nn.GELU()
        self.outer = torch.nn.Linear(8, 3, bias=False)
        for layer in (self.inner, self.outer):
            torch.nn.init.normal_(layer.weight, std=0.5, generator=generator)

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.table

    def forward(self, input_ids=None, inputs_embeds=None, attention_mask=None, **_):  # type: ignore[no-untyped-def]
        embeddings = self.table(input_ids) if inputs_embeds is None else inputs_embeds
        bag = (embeddings * attention_mask[..., None]).sum(1)
        logits = self.outer(self.act(self.inner(bag)))
        return type("Out", (), {"logits": logits})()


def test_deeplift_refuses_shared_modules() -> None:
    tiny = tiny_classifier()
    config = AlbertConfig(
        vocab_size=len(tiny.tokenizer),
        embedding_size=16,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=3,
    )
    model = AlbertForSequenceClassification(config).eval()
    classifier = Classifier(model, tiny.tokenizer, "albert", (0, 1, 2), 64, torch.device("cpu"))
    with pytest.raises(NliError, match="DeepLIFT cannot explain albert"):
        list(attribute(classifier, EXAMPLES[:1], method="deeplift"))
    assert list(attribute(classifier, EXAMPLES[:1], method="saliency"))


def test_global_generators_are_left_as_they_were() -> None:
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(3)
    np.random.seed(3)
    attributions(tiny_classifier(), "gradient-shap", steps=2)
    assert (torch.rand(1), np.random.rand()) == expected


def test_wrong_names_are_refused_at_once() -> None:
    classifier = tiny_classifier()
    with pytest.raises(NliError, match="unknown attribution method: 'lime'") as caught:
        attribute(classifier, EXAMPLES, method="lime")
    assert "feature-ablation" in caught.value.hint
    with pytest.raises(NliError, match="unknown baseline: 'blur'"):
        attribute(classifier, EXAMPLES, baseline="blur")
    with pytest.raises(NliError, match="saliency has no baseline"):
        attribute(classifier, EXAMPLES, method="saliency", baseline="mask")
    with pytest.raises(NliError, match="unknown target: 'maybe'"):
        attribute(classifier, EXAMPLES, method="saliency", target="maybe")
