"""The driver on models whose use of words is known, and its parts on hand-worked pairs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import ttest_rel

from nliexplorer.analysis.controlled_measures import measure
from nliexplorer.analysis.outputs import softmax
from nliexplorer.attribution.agreement import annotators
from nliexplorer.attribution.erasure import erased, erased_probabilities
from nliexplorer.attribution.faithfulness import measure_faithfulness
from nliexplorer.inference import predict
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import encode_pairs
from nliexplorer.records import Example
from tests.tinymodels import EXAMPLES, tiny_classifier


class BagOfWords(torch.nn.Module):
    """Logits are a sum over tokens: gradient times input is the truth."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.table = torch.nn.Embedding(vocabulary, 8)
        self.out = torch.nn.Linear(8, 3, bias=False)
        for weight in (self.table.weight, self.out.weight):
            torch.nn.init.normal_(weight, std=0.5, generator=generator)

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.table

    def forward(self, input_ids=None, inputs_embeds=None, attention_mask=None, **_):  # type: ignore[no-untyped-def]
        embeddings = self.table(input_ids) if inputs_embeds is None else inputs_embeds
        return SimpleNamespace(logits=self.out((embeddings * attention_mask[..., None]).sum(1)))


@pytest.fixture(scope="module")
def bag() -> Classifier:
    tokenizer = tiny_classifier().tokenizer
    model = BagOfWords(len(tokenizer)).eval()
    return Classifier(model, tokenizer, "bag", (0, 1, 2), 64, torch.device("cpu"))


def test_a_transparent_model_is_explained_better_than_by_chance(bag: Classifier) -> None:
    marked = tuple(
        Example(e.premise, e.hypothesis, e.label, hypothesis_rationale=(0,)) for e in EXAMPLES
    )
    result = measure_faithfulness(bag, marked, method="input-x-gradient")
    by_name = {each.name: each for each in result.measures}
    assert result.n == len(EXAMPLES)
    assert result.completeness_delta is None
    for name in ("comprehensiveness", "leave-one-out tau"):
        one = by_name[name]
        assert one.value is not None
        assert one.control is not None
        assert one.value > one.control
    assert by_name["leave-one-out tau"].value == pytest.approx(1.0, abs=0.25)
    assert by_name["sufficiency"].delta is not None
    assert by_name["sufficiency"].delta < 0
    assert by_name["stability (case)"].n == 0  # an uncased vocabulary: nothing changes
    assert by_name["stability (punctuation)"].value == pytest.approx(1.0, abs=0.2)
    assert by_name["plausibility token F1"].n > 0


def test_chance_against_itself_makes_no_difference() -> None:
    result = measure_faithfulness(tiny_classifier(), EXAMPLES, method="random")
    for each in result.measures:
        assert each.delta in (None, 0.0)
        assert each.beats_control in (None, False)


def test_completeness_is_reported_where_there_is_an_axiom() -> None:
    result = measure_faithfulness(tiny_classifier(), EXAMPLES[:2], steps=40)
    assert result.completeness_delta == pytest.approx(0.0, abs=0.05)
    document = result.as_dict()
    assert document["method"] == "integrated-gradients"
    assert {"name", "n", "value", "control", "delta", "beats_control"} <= set(
        document["measures"][0]
    )


def test_erased_tokens_are_deleted() -> None:
    classifier = tiny_classifier()
    example = Example("A man sleeps", "The man runs", 0)
    encoded = encode_pairs(classifier.tokenizer, [(example.premise, example.hypothesis)], 64)
    keep = np.array([[True] * 9, [True, False, True, True, True, False, True, True, True]])
    copies = erased(encoded, [keep])
    assert copies.lengths.tolist() == [9, 7]
    shorter = encode_pairs(classifier.tokenizer, [("man sleeps", "man runs")], 64)
    np.testing.assert_array_equal(copies.ids[9:], shorter.ids)
    np.testing.assert_array_equal(copies.types[9:], shorter.types)
    (result,) = erased_probabilities(classifier, encoded, [keep], np.array([2]))
    expected = softmax(
        predict(classifier, [("A man sleeps", "The man runs"), ("man sleeps", "man runs")])
    )
    np.testing.assert_allclose(result, expected[:, 2], atol=1e-6)


def test_measure_agrees_with_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    own, other = rng.normal(0.4, 1, 30), rng.normal(0, 1, 30)
    result = measure("x", [*own, None, 1.0], [*other, 2.0, None])
    interval = ttest_rel(own, other).confidence_interval(0.95)
    assert result.n == 30
    assert (result.ci_low, result.ci_high) == pytest.approx((interval.low, interval.high))
    assert result.value == pytest.approx(own.mean())
    assert measure("x", [None], [1.0]).value is None
    assert measure("x", [0.0, 0.1, 0.05], [1.0, 1.2, 1.1], higher_is_better=False).beats_control


def test_annotators_count_words_over_both_sentences() -> None:
    example = Example("a b c", "d e", 0, premise_rationale=(1,), hypothesis_rationale=(0, 1))
    assert annotators(example) == [(1, 3, 4)]
    marks = [{"premise": [0], "hypothesis": [1]}, {"premise": [], "hypothesis": [0]}]
    assert annotators(Example("a b c", "d e", 0, extra={"highlights": marks})) == [(0, 4), (3,)]
    assert annotators(EXAMPLES[0]) == []
