"""Encoding, truncation and batching."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nliexplorer.modeling.batching import collate, token_batches
from nliexplorer.modeling.tokenizing import encode_pairs, layout
from tests.tinymodels import EXAMPLES, tiny_tokenizer

PAIRS = [(example.premise, example.hypothesis) for example in EXAMPLES]


def test_word_mask_leaves_specials_and_padding_out() -> None:
    tokenizer = tiny_tokenizer()
    encoded = encode_pairs(tokenizer, PAIRS, 64)
    batch = collate(encoded, range(len(PAIRS)), pad_to=40)
    assert batch.input_ids.shape == (len(PAIRS), 40)
    specials = {tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id}
    for row, (ids, words) in enumerate(zip(batch.input_ids, batch.words, strict=True)):
        assert words.tolist() == [int(i) not in specials for i in ids]
        assert int(batch.attention_mask[row].sum()) == encoded.length(row) == int(words.sum()) + 3


def test_flat_rows_equal_the_tokenizers_own() -> None:
    tokenizer = tiny_tokenizer()
    encoded = encode_pairs(tokenizer, PAIRS, 64)
    for row, (premise, hypothesis) in enumerate(PAIRS):
        wanted = tokenizer(premise, hypothesis)
        assert encoded.ids[encoded.slice(row)].tolist() == wanted["input_ids"]
        assert encoded.types[encoded.slice(row)].tolist() == wanted["token_type_ids"]


def test_truncation_takes_from_the_longer_sentence_and_is_counted() -> None:
    tokenizer = tiny_tokenizer()
    premise, hypothesis = "a " * 30, "the man is tall"
    encoded = encode_pairs(tokenizer, [(premise, hypothesis), ("a", "the")], 16)
    assert encoded.truncated.tolist() == [True, False]
    assert encoded.length(0) == 16
    place = layout(tokenizer, premise, hypothesis, 16)
    assert place.segments.count("hypothesis") == 4
    assert place.segments.count("premise") == 9


def test_no_pairs_are_no_rows() -> None:
    encoded = encode_pairs(tiny_tokenizer(), [], 16)
    assert len(encoded) == 0
    assert token_batches(encoded.lengths, 100) == []


@given(st.lists(st.integers(1, 60), max_size=80), st.integers(1, 200))
def test_token_batches_cover_each_row_once_within_the_budget(
    lengths: list[int], budget: int
) -> None:
    batches = token_batches(lengths, budget)
    rows = np.concatenate(batches) if batches else np.zeros(0, int)
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[row] for row in batch)
        assert len(batch) == 1 or longest * len(batch) <= budget
