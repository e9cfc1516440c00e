"""Faithfulness of attributions: erasure masks, and scores of the probabilities that result.

The model is asked elsewhere: these functions give boolean masks over tokens and take back the
probabilities of the explained class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import BoolArray, FloatArray
from nliexplorer.errors import NliError

SHARES: tuple[float, ...] = tuple(k / 10 for k in range(1, 11))


def rationale_masks(
    scores: npt.ArrayLike, special: npt.ArrayLike, shares: Sequence[float] = SHARES
) -> BoolArray:
    """[shares, tokens]: the rationale r_k, the top k % of word tokens by positive score.

    k counts word tokens, rounded up; tokens with a score of zero or less are never in it, special
    tokens neither. Ties go to the earlier token.
    """
    values = np.asarray(scores, dtype=np.float64)
    words = np.flatnonzero(~np.asarray(special, dtype=bool))
    order = words[np.argsort(-values[words], kind="stable")]
    order = order[values[order] > 0]
    masks = np.zeros((len(shares), values.size), dtype=bool)
    for row, share in enumerate(shares):
        masks[row, order[: int(np.ceil(share * words.size - 1e-9))]] = True
    return masks


def comprehensiveness_keeps(rationales: BoolArray) -> BoolArray:
    """[shares, tokens] tokens kept when the rationale is erased."""
    return ~rationales


def sufficiency_keeps(rationales: BoolArray, special: npt.ArrayLike) -> BoolArray:
    """[shares, tokens] tokens kept when all but the rationale and special tokens are erased."""
    return rationales | np.asarray(special, dtype=bool)


def aopc(full: float, erased: npt.ArrayLike) -> float:
    """Area over the perturbation curve: mean over k of f(x) - f(x'_k), probabilities of one class.

    With x'_k = x \\ r_k it is comprehensiveness (high is faithful), with x'_k = r_k sufficiency
    (low is faithful): DeYoung et al. 2020, with k = 10 … 100 % as in Attanasio et al. 2023.
    """
    return float(full - np.asarray(erased, dtype=np.float64).mean())


def leave_one_out_keeps(special: npt.ArrayLike) -> BoolArray:
    """[words, tokens]: all tokens but one word token each, in the tokens' order."""
    marked = np.asarray(special, dtype=bool)
    words = np.flatnonzero(~marked)
    keeps = np.ones((words.size, marked.size), dtype=bool)
    keeps[np.arange(words.size), words] = False
    return keeps


def leave_one_out_tau(
    scores: npt.ArrayLike, special: npt.ArrayLike, full: float, dropped: npt.ArrayLike
) -> float | None:
    """Kendall's τ-b between word tokens' scores and the probability each costs when left out.

    `dropped` [words] goes with leave_one_out_keeps. None for fewer than two words, or where either
    ranking is constant.
    """
    values = np.asarray(scores, dtype=np.float64)[~np.asarray(special, dtype=bool)]
    cost = full - np.asarray(dropped, dtype=np.float64)
    if values.size != cost.size:
        raise NliError(
            f"{values.size} word tokens but {cost.size} probabilities", "give one for each"
        )
    if values.size < 2:
        return None
    from scipy.stats import kendalltau

    tau = float(kendalltau(values, cost).statistic)
    return None if np.isnan(tau) else tau


def random_scores(tokens: int, seed: int) -> FloatArray:
    """[tokens] uniform scores in (-1, 1): the control that an attribution has to beat."""
    return np.random.default_rng(seed).uniform(-1.0, 1.0, tokens)
