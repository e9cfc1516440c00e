"""Each formula against plain NumPy, SciPy or a closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from nliexplorer.errors import NliError
from nliexplorer.training.penalties import PENALTIES, TokenView, get_penalty
from nliexplorer.training.stopwords import stopword_ids
from tests.tinymodels import tiny_tokenizer

SCORES = torch.tensor([[0.5, -1.0, 2.0, 0.25, 9.0], [1.0, 1.0, 1.0, 7.0, 7.0]])
COUNTED = torch.tensor([[1, 1, 1, 1, 0], [1, 1, 1, 0, 0]]).bool()
VIEW = TokenView(
    counted=COUNTED,
    hypothesis=torch.tensor([[0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]).bool(),
    stopwords=torch.tensor([[1, 1, 0, 0, 0], [0, 0, 1, 0, 0]]).bool(),
    rationale=torch.tensor([[0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]).bool(),
)
FIRST = np.array([0.5, -1.0, 2.0, 0.25])


def test_variance_is_numpys_over_words() -> None:
    result = get_penalty("variance").value(SCORES, VIEW)
    np.testing.assert_allclose(result, [np.var(FIRST), 0.0], rtol=1e-6)


def test_stopwords_and_both() -> None:
    np.testing.assert_allclose(get_penalty("stopwords").value(SCORES, VIEW), [0.5, 1.0])
    result = get_penalty("both").value(SCORES, VIEW)
    np.testing.assert_allclose(result, [np.var(FIRST) + 0.5, 1.0], rtol=1e-6)


def test_concentration_is_one_minus_scipys_entropy() -> None:
    result = get_penalty("concentration").value(SCORES, VIEW)
    expected = 1 - entropy(np.abs(FIRST)) / np.log(4)
    np.testing.assert_allclose(result, [expected, 0.0], atol=1e-6)


def test_hypothesis_share() -> None:
    result = get_penalty("hypothesis-share").value(SCORES, VIEW)
    np.testing.assert_allclose(result, [2.25 / 3.75, 2 / 3], rtol=1e-6)


def test_rationale_counts_words_outside_it_in_the_sentences_that_have_one() -> None:
    result = get_penalty("rationale").value(SCORES, VIEW)
    np.testing.assert_allclose(result, [0.0625, 0.0], rtol=1e-6)  # the premise is not judged
    both = replace(VIEW, rationale=torch.tensor([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0]]).bool())
    result = get_penalty("rationale").value(SCORES, both)
    np.testing.assert_allclose(result, [(1 + 0.0625) / 2, 0.0], rtol=1e-6)


def test_two_sided_is_the_error_to_the_target_inside_and_to_zero_outside() -> None:
    view = replace(VIEW, rationale=torch.tensor([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0]]).bool())
    view = replace(view, rationale_target=1.5)
    result = get_penalty("rationale-two-sided").value(SCORES, view)
    expected = (1 + 0.0625) / 2 + ((0.5 - 1.5) ** 2 + (2.0 - 1.5) ** 2) / 2
    np.testing.assert_allclose(result, [expected, 0.0], rtol=1e-6)


def test_two_sided_raises_what_is_inside_and_shrinks_what_is_outside() -> None:
    scores = torch.full_like(SCORES, 0.5).requires_grad_()
    value = get_penalty("rationale-two-sided").value(scores, VIEW).sum()
    (gradient,) = torch.autograd.grad(value, scores)
    step = -gradient[0]  # of a descent
    assert step[2] > 0  # inside, below the target
    assert step[3] < 0  # outside, in the same sentence
    assert step[[0, 1, 4]].tolist() == [0, 0, 0]  # another sentence, and padding
    assert gradient[1].abs().max() == 0  # no rationale


@pytest.mark.parametrize("name", [name for name, entry in PENALTIES.items() if entry.form])
def test_forms_are_symmetric_and_give_the_value_on_the_diagonal(name: str) -> None:
    penalty = PENALTIES[name]
    assert penalty.form is not None
    other = torch.randn(SCORES.shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(penalty.form(SCORES, SCORES, VIEW), penalty.value(SCORES, VIEW))
    torch.testing.assert_close(penalty.form(SCORES, other, VIEW), penalty.form(other, SCORES, VIEW))


@pytest.mark.parametrize("name", list(PENALTIES))
def test_gradients_are_finite_even_at_zero_scores(name: str) -> None:
    for scores in (SCORES.clone(), torch.zeros_like(SCORES)):
        scores.requires_grad_()
        value = get_penalty(name).value(scores, VIEW).sum()
        (gradient,) = torch.autograd.grad(value, scores)
        assert gradient.isfinite().all()


@pytest.mark.parametrize("name", list(PENALTIES))
def test_a_pair_without_words_costs_nothing(name: str) -> None:
    nothing = torch.zeros_like(COUNTED)
    view = TokenView(nothing, nothing, nothing, nothing)
    assert get_penalty(name).value(SCORES, view).tolist() == [0.0, 0.0]


def test_an_unknown_penalty_is_named() -> None:
    with pytest.raises(NliError, match="unknown penalty") as caught:
        get_penalty("sparsity")
    assert "variance" in caught.value.hint


def test_stopwords_are_whole_words_of_the_vocabulary() -> None:
    tokenizer = tiny_tokenizer()
    words = set(tokenizer.convert_ids_to_tokens(stopword_ids(tokenizer).tolist()))
    assert {"a", "the", "is", "because", "it"} <= words
    assert not words & {"man", "dog", "[UNK]", "[PAD]", "##s"}
