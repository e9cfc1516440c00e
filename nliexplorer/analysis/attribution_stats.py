"""Shape statistics of an attribution: the columns stored beside it, for filters and sorting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.records import Attribution


@dataclass(frozen=True, slots=True)
class AttributionStats:
    """Shape of one attribution; None where undefined (no word tokens, scores zero or not finite).

    `variance`: population variance of the signed scores over word tokens, as the penalty takes it.
    `entropy` (nats) and `gini` (0 even … 1 one token): of |score| over word tokens.
    Shares: of |score| over all tokens, special ones included; the three sum to 1.
    `top_word`: the word whose summed score is largest in magnitude.
    """

    variance: float | None
    entropy: float | None
    gini: float | None
    premise_share: float | None
    hypothesis_share: float | None
    special_share: float | None
    top_word: str | None

    def as_dict(self) -> dict[str, float | str | None]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


_UNDEFINED = AttributionStats(None, None, None, None, None, None, None)


def attribution_statistics(
    attribution: Attribution, premise: str, hypothesis: str
) -> AttributionStats:
    """Statistics of one attribution of the pair (`premise`, `hypothesis`)."""
    scores = np.asarray(attribution.scores, dtype=np.float64)
    if scores.size == 0 or not np.isfinite(scores).all():
        return _UNDEFINED
    segments = np.asarray(attribution.segments)
    words = scores[segments != "special"]
    premise_share, hypothesis_share, special_share = segment_shares(scores, segments)
    return AttributionStats(
        variance=float(words.var()) if words.size else None,
        entropy=entropy(words),
        gini=gini(words),
        premise_share=premise_share,
        hypothesis_share=hypothesis_share,
        special_share=special_share,
        top_word=_top_word(attribution, premise, hypothesis),
    )


def segment_shares(
    scores: npt.ArrayLike, segments: Sequence[str] | npt.NDArray[np.str_]
) -> tuple[float | None, float | None, float | None]:
    """Shares of |score| on premise, hypothesis and special tokens; None each if all are zero."""
    magnitude = np.abs(np.asarray(scores, dtype=np.float64))
    total = magnitude.sum()
    if not total > 0:
        return None, None, None
    where = np.asarray(segments)
    shares = [
        float(magnitude[where == name].sum() / total)
        for name in ("premise", "hypothesis", "special")
    ]
    return shares[0], shares[1], shares[2]


def entropy(scores: npt.ArrayLike) -> float | None:
    """Shannon entropy, in nats, of |scores| made to sum to 1; ln(n) where all weigh the same."""
    magnitude = np.abs(np.asarray(scores, dtype=np.float64))
    total = magnitude.sum()
    if not total > 0:
        return None
    share = magnitude[magnitude > 0] / total
    return float(max(0.0, -(share * np.log(share)).sum()))


def gini(scores: npt.ArrayLike) -> float | None:
    """Gini coefficient of |scores|: 0 where all are equal, (n - 1)/n where one has everything."""
    magnitude = np.sort(np.abs(np.asarray(scores, dtype=np.float64)))
    total = magnitude.sum()
    if not total > 0:
        return None
    n = magnitude.size
    rank = np.arange(1, n + 1)
    return float((2.0 * (rank * magnitude).sum() / (n * total)) - (n + 1.0) / n)


def _top_word(attribution: Attribution, premise: str, hypothesis: str) -> str | None:
    words = [w for w in attribution.words(premise, hypothesis) if w.segment != "special"]
    if not words or all(w.score == 0 for w in words):
        return None
    return max(words, key=lambda w: abs(w.score)).text
