"""What a pair's surface gives away without its meaning: overlap, subsequence, negation, length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import FloatArray
from nliexplorer.analysis.shortcuts import enough_pairs
from nliexplorer.records import LABELS
from nliexplorer.wording import has_negation, lexical_overlap, words

#: What each column of `overlap_features` holds.
FEATURES = (
    "share of hypothesis words in the premise",
    "all of them",
    "hypothesis is a part of the premise, word by word",
    "hypothesis words stand in the premise in this order",
    "negation in the hypothesis",
    "negation in the premise",
    "log words of the hypothesis",
    "log words of the premise",
    "hypothesis words a premise word",
)


def overlap_features(premise: str, hypothesis: str) -> tuple[float, ...]:
    """The FEATURES of a pair: the heuristics of HANS (McCoy et al. 2019), negation and lengths."""
    first, second = words(premise), words(hypothesis)
    share = lexical_overlap(premise, hypothesis)
    starts = range(len(first) - len(second) + 1) if second else ()
    rest = iter(first)
    return (
        share,
        float(share == 1.0),
        float(any(first[start : start + len(second)] == second for start in starts)),
        float(all(word in rest for word in second)),
        float(has_negation(hypothesis)),
        float(has_negation(premise)),
        float(np.log1p(len(second))),
        float(np.log1p(len(first))),
        len(second) / max(1, len(first)),
    )


def overlap_only(
    premises: Sequence[str],
    hypotheses: Sequence[str],
    gold: npt.ArrayLike,
    *,
    folds: int = 5,
    seed: int = 0,
) -> FloatArray:
    """Out-of-fold P(label) [n, 3] by the overlap features alone, of labels 0 … 2.

    Multinomial logistic regression on standardised features and their squares, each pair by a model
    that was fitted without it. Raises NliError for too few pairs.
    """
    labels = np.asarray(gold)
    smallest = enough_pairs(labels, "an overlap model")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = np.array([overlap_features(*pair) for pair in zip(premises, hypotheses, strict=True)])
    splitter = StratifiedKFold(min(folds, smallest), shuffle=True, random_state=seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1_000))
    features = np.hstack([table, table**2])
    probabilities = np.zeros((labels.size, len(LABELS)))
    probabilities[:, np.unique(labels)] = cross_val_predict(
        model, features, labels, cv=splitter, method="predict_proba"
    )
    return probabilities
