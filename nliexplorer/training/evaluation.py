"""Dev metrics while training: the model's forward pass alone, the same for every objective."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.inference import predict
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import EncodedPairs
from nliexplorer.records import Metrics


def dev_metrics(
    classifier: Classifier,
    encoded: EncodedPairs,
    labels: NDArray[np.int64],
    precision: str = "fp32",
) -> Metrics:
    """Metrics of a split, labels [n] as in records; the seconds are those of the forward pass.

    Raises NliError where logits are NaN or infinite.
    """
    start = time.perf_counter()
    logits = predict(classifier, encoded, precision=precision)
    seconds = time.perf_counter() - start
    return replace(compute_metrics(labels, logits=logits), eval_seconds=seconds)
