"""Word tallies against sums done by hand."""

from __future__ import annotations

import pytest

from nliexplorer.analysis.attributed_words import Occurrence, plain_word, word_scores
from nliexplorer.records import Word


def pair(scores: dict[str, float], gold: int, wrong: bool) -> Occurrence:
    words = [Word(text, "hypothesis", score) for text, score in scores.items()]
    return Occurrence((*words, Word("cat", "premise", 9.0)), gold, wrong)


PAIRS = [
    pair({"Sleeping.": 2.0, "cat": 1.0}, 2, True),
    pair({"sleeping": -1.0}, 0, False),
    pair({"cat": -3.0, "CAT!": 1.0}, 0, False),
]


def test_means_by_outcome_and_class() -> None:
    rows = {row.word: row for row in word_scores(PAIRS, minimum=1)}
    sleeping = rows["sleeping"]
    assert (sleeping.n, sleeping.n_wrong) == (2, 1)
    assert sleeping.mean == pytest.approx(0.5)
    assert sleeping.size == pytest.approx(1.5)
    assert sleeping.mean_wrong == 2.0
    assert sleeping.mean_right == -1.0
    assert sleeping.gap == pytest.approx(3.0)
    assert sleeping.by_gold == (-1.0, None, 2.0)


def test_repeats_within_a_pair_are_summed_and_other_segments_left_out() -> None:
    cat = next(row for row in word_scores(PAIRS, minimum=1) if row.word == "cat")
    assert cat.n == 2
    assert cat.mean == pytest.approx((1.0 - 2.0) / 2)


def test_rare_words_are_left_out_and_the_rest_ordered_by_total() -> None:
    assert [row.word for row in word_scores(PAIRS, minimum=2)] == ["cat", "sleeping"]  # 3 = 3
    assert word_scores(PAIRS, minimum=3) == ()
    assert word_scores([], minimum=1) == ()


def test_plain_words() -> None:
    assert [plain_word(w) for w in ("Dog.", '"Run!"', "...", "don't")] == [
        "dog",
        "run",
        "",
        "don't",
    ]
