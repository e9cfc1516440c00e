"""Logits for pairs: no store, no screen, no penalty."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from nliexplorer import processes
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.devices import autocast, pass_tokens
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.memory import in_batches
from nliexplorer.modeling.tokenizing import EncodedPairs, Pair

Logits = NDArray[np.float64]
#: Called with (pairs done, pairs in all) after each batch of this process.
Progress = Callable[[int, int], None]


def predict(
    classifier: Classifier,
    pairs: Iterable[Pair] | EncodedPairs,
    *,
    token_budget: int | None = None,
    precision: str = "fp32",
    progress: Progress | None = None,
) -> Logits:
    """Logits [n, C] of the classifier's classes, in the order of `pairs` whatever the batches.

    Every process of a distributed run must call this; each does its share and gets all logits.
    """
    encoded = pairs if isinstance(pairs, EncodedPairs) else classifier.encode(pairs)
    budget = token_budget or pass_tokens(classifier.device)
    logits: Logits = np.zeros((len(encoded), len(classifier.classes)))
    rank, world = processes.rank_and_world()
    done = 0
    training = classifier.model.training

    def forward(_rows: NDArray[np.int64], batch: Batch, _budget: int) -> NDArray[np.float32]:
        values = classifier.logits(input_ids=batch.input_ids, **batch.features)
        return np.asarray(values.float().cpu().numpy())

    classifier.model.eval()
    try:
        with torch.inference_mode(), autocast(precision, classifier.device):
            for rows, values in in_batches(
                forward, encoded, budget, classifier.device, rank, world
            ):
                logits[rows] = values
                done += len(rows)
                if progress:
                    progress(min(done * world, len(encoded)), len(encoded))
    finally:
        classifier.model.train(training)
    return processes.sum_arrays(logits)
