"""Encoding, truncation and batching."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nliexplorer.modeling.batching import collate, token_batches
from nliexplorer.modeling.tokenizing import encode_pairs, layout
from nliexplorer.records import Attribution, pair_length
from nliexplorer.wording import has_negation, lexical_overlap, whole_words, word_spans
from nliexplorer.wording import words as plain_words
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
        expected = tokenizer(premise, hypothesis)
        assert encoded.ids[encoded.slice(row)].tolist() == expected["input_ids"]
        assert encoded.types[encoded.slice(row)].tolist() == expected["token_type_ids"]


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


CHINESE = "一个男人在公园里看报纸。"


@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2", "xlm-roberta", "gpt2"])
def test_pieces_merge_to_the_same_words_whatever_the_tokenizer(
    family: str, family_checkpoint: Callable[[str], Path]
) -> None:
    from nliexplorer.modeling.load import load_classifier

    classifier = load_classifier(str(family_checkpoint(family)), device="cpu", max_length=200)
    premise, hypothesis = "A man isn't  asleep.", "他在看报。"
    place = classifier.layout(premise, hypothesis)
    attribution = Attribution(
        place.tokens, place.segments, place.word_ids, place.spans, (1.0,) * len(place.tokens), 0
    )
    words = [word for word in attribution.words(premise, hypothesis) if word.segment != "special"]
    own = [word.text for word in words if word.segment == "premise"]
    assert own == ["A", "man", "isn't", "asleep", "."]
    characters = [word.text for word in words if word.segment == "hypothesis"]
    assert "".join(characters) == hypothesis
    assert len(characters) > 2
    assert sum(word.score for word in words) == sum(s != "special" for s in place.segments)


def test_one_rule_says_what_a_word_is_without_spaces() -> None:
    def texts(sentence: str) -> list[str]:
        return [sentence[start:end] for start, end in word_spans(sentence)]

    assert texts(CHINESE) == list(CHINESE)
    assert texts("彼はMacを使う。") == ["彼", "は", "Mac", "を", "使", "う", "。"]
    assert texts("หลับ ที่นี่") == ["ห", "ลั", "บ", "ที่", "นี่"]
    assert pair_length(CHINESE, "他在看报。") == len(CHINESE) + 5
    assert lexical_overlap("他在看报。", "他看书") == pytest.approx(2 / 3)


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF)))
def test_words_with_spaces_are_what_stands_between_them(text: str) -> None:
    assert [text[start:end] for start, end in word_spans(text)] == re.findall(r"\S+", text)


@given(st.text(st.characters(max_codepoint=0x17F) | st.sampled_from("'’n"), max_size=30))
def test_the_short_ways_of_ascii_give_the_same(text: str) -> None:
    padded = f"{text}猫"  # not ASCII: the general way
    assert whole_words(text) == whole_words(padded)[:-1]
    assert plain_words(text) == plain_words(padded)[:-1]


@pytest.mark.parametrize(
    "word", ["No", "cannot", "nor", "isn't", "ISN’T", "never", "neither", "without"]
)
def test_negating_words(word: str) -> None:
    assert has_negation(f"It {word} moves")
    assert not has_negation(f"It {word}ish moves")
