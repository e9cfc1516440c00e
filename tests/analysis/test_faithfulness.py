import csv

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import f1_score, jaccard_score

from nliexplorer.analysis.faithfulness import (
    aopc,
    comprehensiveness_keeps,
    leave_one_out_keeps,
    leave_one_out_tau,
    random_scores,
    rationale_masks,
    sufficiency_keeps,
)
from nliexplorer.analysis.plausibility import dynamic_k, plausibility, whitespace_word_scores
from nliexplorer.analysis.stability import rank_stability, surface_variants
from nliexplorer.errors import NliError
from nliexplorer.records import Attribution
from tests.realdata import real_data

SPECIAL = np.array([True, False, False, False, True, False, True])
SCORES = np.array([9.0, 0.5, -0.2, 0.1, 9.0, 0.3, 9.0])


def linear_model(kept: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A model whose probability is a plain sum over the tokens kept."""
    return kept @ weights


def test_rationales_take_positive_words_by_score() -> None:
    masks = rationale_masks(SCORES, SPECIAL, shares=(0.25, 0.5, 0.75, 1.0))
    selected = [np.flatnonzero(row).tolist() for row in masks]
    assert selected == [[1], [1, 5], [1, 3, 5], [1, 3, 5]]  # token 2 is negative
    assert rationale_masks(SCORES, SPECIAL).shape == (10, 7)


def test_keeps_leave_special_tokens_alone() -> None:
    masks = rationale_masks(SCORES, SPECIAL)
    assert comprehensiveness_keeps(masks)[:, SPECIAL].all()
    kept = sufficiency_keeps(masks, SPECIAL)
    assert kept[:, SPECIAL].all()
    assert (kept & ~SPECIAL == masks).all()


def test_aopc_on_a_linear_model_is_the_mean_erased_weight() -> None:
    weights = np.array([0.0, 0.4, 0.1, 0.2, 0.0, 0.3, 0.0])
    full = linear_model(np.ones(7), weights)
    masks = rationale_masks(weights, SPECIAL, shares=(0.25, 0.5, 0.75, 1.0))
    gone = linear_model(comprehensiveness_keeps(masks), weights)
    assert aopc(full, gone) == pytest.approx(np.mean([0.4, 0.7, 0.9, 1.0]))
    left = linear_model(sufficiency_keeps(masks, SPECIAL), weights)
    assert aopc(full, left) == pytest.approx(np.mean([0.6, 0.3, 0.1, 0.0]))
    control = rationale_masks(random_scores(7, 1), SPECIAL)
    random_gone = linear_model(comprehensiveness_keeps(control), weights)
    assert aopc(full, random_gone) < aopc(full, gone)


def test_leave_one_out() -> None:
    keeps = leave_one_out_keeps(SPECIAL)
    assert keeps.shape == (4, 7)
    assert [np.flatnonzero(~row).tolist() for row in keeps] == [[1], [2], [3], [5]]
    dropped = np.array([0.2, 0.8, 0.7, 0.6])
    expected = kendalltau(SCORES[~SPECIAL], 0.9 - dropped).statistic
    assert leave_one_out_tau(SCORES, SPECIAL, 0.9, dropped) == pytest.approx(expected)
    faithful = linear_model(keeps, SCORES)
    assert leave_one_out_tau(SCORES, SPECIAL, SCORES.sum(), faithful) == pytest.approx(1.0)


def test_undefined_rankings() -> None:
    assert leave_one_out_tau(SCORES, SPECIAL, 0.9, [0.5] * 4) is None
    assert leave_one_out_tau([1.0], [False], 0.9, [0.5]) is None
    with pytest.raises(NliError, match="4 word tokens but 1"):
        leave_one_out_tau(SCORES, SPECIAL, 0.9, [0.5])
    assert rank_stability([1, 2], [1, 2, 3]) is None
    assert rank_stability([1, 1], [1, 2]) is None
    assert rank_stability([1, 2, 3], [1, 3, 2]) == pytest.approx(
        spearmanr([1, 2, 3], [1, 3, 2]).statistic
    )


def test_surface_variants_keep_the_words() -> None:
    result = surface_variants("A man sits...", "He IS here!")
    assert result["lower case"] == ("a man sits...", "he is here!")
    assert result["first letters swapped"] == ("a man sits...", "he IS here!")
    assert result["no final punctuation"] == ("A man sits", "He IS here")
    assert result["final full stop"] == ("A man sits.", "He IS here.")
    assert list(surface_variants("a", "b")) == [
        "first letters swapped",
        "final full stop",
        "final exclamation mark",
    ]
    assert "no final punctuation" not in surface_variants("a .", "b")  # it would lose a word
    assert surface_variants("", "") == {}


def test_plausibility_agrees_with_scikit_learn() -> None:
    scores, human = [0.9, 0.1, 0.7, -0.4, 0.2], [0, 4]
    result = plausibility(scores, human, share=0.4)
    assert result is not None
    marked, selected = [1, 0, 0, 0, 1], [1, 0, 1, 0, 0]
    assert result.token_f1 == pytest.approx(f1_score(marked, selected))
    assert result.iou == pytest.approx(jaccard_score(marked, selected))
    best = plausibility([2, 0, 0, 0, 1.0], human, share=0.4)
    assert best is not None
    assert (best.token_f1, best.iou, best.auprc) == (1.0, 1.0, 1.0)


def test_plausibility_edges() -> None:
    assert plausibility([1.0, 2.0], [], 0.5) is None
    everything = plausibility([1.0, 2.0], [0, 1], 0.0)
    assert everything is not None
    assert everything.auprc is None
    assert everything.iou == 0.5  # at least one word is chosen
    assert dynamic_k([[0], [0, 1], []], [4, 4, 9]) == pytest.approx((0.25 + 0.5) / 2)
    assert dynamic_k([[]], [4]) == 0.0


def test_scores_align_with_whitespace_words() -> None:
    attribution = Attribution(
        tokens=("[CLS]", "a", "post", "-", "it", ".", "[SEP]", "ok", "!", "[SEP]"),
        segments=("special", *["premise"] * 5, "special", *["hypothesis"] * 2, "special"),  # type: ignore[arg-type]
        word_ids=(None, 0, 1, 2, 3, 4, None, 0, 1, None),
        spans=((0, 0), (0, 1), (3, 7), (7, 8), (8, 10), (10, 11), (0, 0), (0, 2), (2, 3), (0, 0)),
        scores=(9.0, 1.0, 2.0, 4.0, 8.0, 16.0, 9.0, 32.0, 64.0, 9.0),
        target=0,
    )
    premise, hypothesis = whitespace_word_scores(attribution, "a  post-it.", "ok!")
    assert premise.tolist() == [1.0, 30.0]
    assert hypothesis.tolist() == [96.0]


def test_on_real_highlights_the_marked_words_win() -> None:
    with real_data("esnli", "highlights_sample.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    marked = [row["Sentence2_marked_1"].split() for row in rows]
    human = [[i for i, w in enumerate(words) if w.startswith("*")] for words in marked]
    share = dynamic_k(human, [len(words) for words in marked])
    assert 0.1 < share < 0.9
    for words, selected in zip(marked, human, strict=True):
        perfect = plausibility(
            np.isin(np.arange(len(words)), selected).astype(float), selected, share
        )
        if perfect is not None and perfect.auprc is not None:
            assert perfect.auprc == 1.0
