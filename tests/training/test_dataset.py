"""The order of training pairs, and rationale words found in the tokens."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nliexplorer.records import Example
from nliexplorer.training.dataset import LengthGrouped, tokenise
from tests.tinymodels import tiny_classifier


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 5))
def test_each_epoch_is_a_permutation(size: int, update: int, epoch: int) -> None:
    lengths = np.random.default_rng(size).integers(3, 60, size)
    sampler = LengthGrouped(size, lengths, update, seed=1)
    sampler.set_epoch(epoch)
    assert sorted(sampler) == list(range(size))
    assert list(sampler) == list(sampler)


def test_updates_hold_pairs_of_similar_length_in_a_fresh_order() -> None:
    lengths = np.random.default_rng(0).integers(5, 80, 6400)
    sampler = LengthGrouped(6400, lengths, 16, seed=0)
    first = np.array(list(sampler))
    sampler.set_epoch(1)
    assert first.tolist() != list(sampler)
    widths = lengths[first].reshape(-1, 16)
    assert widths.sum() / (widths.max(1) * 16).sum() > 0.95
    means = widths.mean(1)
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.2  # short ones do not come in a row


def test_rationale_words_become_tokens() -> None:
    classifier = tiny_classifier()
    example = Example(
        "A  man sleeps .", "The dog's runs", 0, premise_rationale=(1, 2), hypothesis_rationale=(1,)
    )
    pairs = tokenise(classifier, [example, Example("a", "b", 1)], with_rationale=True)
    tokens = classifier.tokenizer.convert_ids_to_tokens(
        pairs.encoded.ids[: pairs.encoded.length(0)]
    )
    assert pairs.rationale is not None
    marked = [t for t, m in zip(tokens, pairs.rationale, strict=False) if m]
    assert marked[:2] == ["man", "sleeps"]
    assert marked[2] == "dog"
    assert "runs" not in marked
    assert "the" not in marked
    assert not pairs.rationale[pairs.encoded.slice(1)].any()
