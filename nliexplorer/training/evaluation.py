"""Dev metrics while training: the model's forward pass alone, the same for every objective."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from nliexplorer.inference import predict, softmax
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import EncodedPairs
from nliexplorer.records import ENTAILMENT, LABELS, NON_ENTAILMENT, Metrics


def dev_metrics(
    classifier: Classifier,
    encoded: EncodedPairs,
    labels: NDArray[np.int64],
    precision: str = "fp32",
) -> Metrics:
    """Accuracy, NLL and, for three-way sets, Brier of a split. Early stopping goes by accuracy."""
    start = time.perf_counter()
    probabilities = softmax(predict(classifier, encoded, precision=precision))
    seconds = time.perf_counter() - start
    predicted = probabilities.argmax(-1)
    two_way = labels == NON_ENTAILMENT
    right = np.where(two_way, predicted != ENTAILMENT, predicted == labels)
    safe = np.where(two_way, ENTAILMENT, labels)
    of_gold = probabilities[np.arange(len(labels)), safe]
    of_gold = np.where(two_way, 1 - of_gold, of_gold)
    wanted = np.eye(len(LABELS))[safe]
    return Metrics(
        n=len(labels),
        accuracy=float(right.mean()),
        nll=float(-np.log(np.clip(of_gold, 1e-12, None)).mean()),
        brier=None if two_way.any() else float(((probabilities - wanted) ** 2).sum(-1).mean()),
        eval_seconds=seconds,
    )
