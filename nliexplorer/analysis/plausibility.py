"""Agreement of attributions with e-SNLI highlights, per annotator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import FloatArray, IntArray
from nliexplorer.records import Attribution
from nliexplorer.wording import word_spans


@dataclass(frozen=True, slots=True)
class Plausibility:
    """Agreement of one attribution with one annotator; each 0 … 1, AUPRC None if all is marked."""

    token_f1: float
    iou: float
    auprc: float | None


def whitespace_word_scores(
    attribution: Attribution, premise: str, hypothesis: str
) -> tuple[FloatArray, FloatArray]:
    """Scores of the premise's and of the hypothesis's whitespace words, summed over their pieces.

    Human highlights count words by whitespace, models cut punctuation off: spans align the two.
    """
    sentences = {"premise": premise, "hypothesis": hypothesis}
    ends = {name: _word_ends(text) for name, text in sentences.items()}
    scores = {name: np.zeros(len(ends[name])) for name in sentences}
    for segment, (start, _), score in zip(
        attribution.segments, attribution.spans, attribution.scores, strict=True
    ):
        if segment == "special" or not ends[segment].size:
            continue
        word = int(np.searchsorted(ends[segment], start, side="right"))
        scores[segment][min(word, len(scores[segment]) - 1)] += score
    return scores["premise"], scores["hypothesis"]


def _word_ends(text: str) -> IntArray:
    return np.array([end for _, end in word_spans(text)], dtype=np.int64)


def dynamic_k(rationales: Sequence[Sequence[int]], lengths: Sequence[int]) -> float:
    """Share of words that people mark on average; 0 without rationales.

    The k of DeYoung et al. 2020: a model may pick as many words as people do at that length.
    """
    shares = [len(set(r)) / n for r, n in zip(rationales, lengths, strict=True) if r and n]
    return float(np.mean(shares)) if shares else 0.0


def plausibility(
    scores: npt.ArrayLike, rationale: Sequence[int], share: float
) -> Plausibility | None:
    """Agreement of word `scores` [words] with the word numbers of `rationale`.

    The model's rationale is its top ⌈share · words⌉ words (at least one). None where the annotator
    marked nothing. AUPRC needs no k: the area under the precision–recall curve of the scores.
    """
    values = np.asarray(scores, dtype=np.float64)
    human = {word for word in rationale if 0 <= word < values.size}
    if not human:
        return None
    k = max(1, int(np.ceil(share * values.size - 1e-9)))
    top_k = set(np.argsort(-values, kind="stable")[:k].tolist())
    shared = len(top_k & human)
    f1 = 2.0 * shared / (len(top_k) + len(human))
    return Plausibility(f1, shared / len(top_k | human), _auprc(values, human))


def _auprc(values: FloatArray, human: set[int]) -> float | None:
    if len(human) == values.size:
        return None
    from sklearn.metrics import auc, precision_recall_curve

    marked = np.isin(np.arange(values.size), list(human))
    precision, recall, _ = precision_recall_curve(marked, values)
    return float(auc(recall, precision))
