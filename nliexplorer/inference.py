"""Logits for pairs; needs neither the store nor the penalty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nliexplorer import processes
from nliexplorer.analysis.outputs import softmax
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.devices import autocast, pass_tokens
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.memory import in_batches
from nliexplorer.modeling.tokenizing import EncodedPairs, Pair
from nliexplorer.modeling.windows import deciding_window, premise_windows
from nliexplorer.records import Window

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


@dataclass(frozen=True, slots=True)
class PairLogits:
    """Logits [n, C] of n pairs, whether some of a pair is unread [n], and of each pair that was
    read by windows the one that decided.
    """

    logits: Logits
    truncated: NDArray[np.bool_]
    windows: dict[int, Window]


def predict_pairs(
    classifier: Classifier,
    pairs: Sequence[Pair],
    *,
    windows: bool = False,
    token_budget: int | None = None,
    precision: str = "fp32",
    progress: Progress | None = None,
) -> PairLogits:
    """As `predict`; with `windows`, premises beyond the limit are read window by window, and the
    logits of such a pair are those of the window that decides.
    """
    encoded = classifier.encode(pairs)
    parts: dict[int, slice] = {}
    if windows and encoded.truncated.any():
        texts: list[Pair] = []
        for number, (premise, hypothesis) in enumerate(pairs):
            spans = [(0, len(premise))]
            if encoded.truncated[number]:
                spans = premise_windows(classifier, premise, hypothesis)
            parts[number] = slice(len(texts), len(texts) + len(spans))
            texts += [(premise[first:last], hypothesis) for first, last in spans]
        encoded = classifier.encode(texts)

    def in_pairs(done: int, texts: int) -> None:
        if progress:
            progress(done * len(pairs) // texts, len(pairs))

    logits = predict(
        classifier, encoded, token_budget=token_budget, precision=precision, progress=in_pairs
    )
    if not parts:
        return PairLogits(logits, encoded.truncated, {})
    deciding: dict[int, Window] = {}
    rows = []
    for number, part in parts.items():
        decides = deciding_window(softmax(logits[part]))
        rows.append(part.start + decides)
        if (count := part.stop - part.start) > 1:
            deciding[number] = Window(decides + 1, count)
    truncated = np.array([encoded.truncated[part].any() for part in parts.values()])
    return PairLogits(logits[rows], truncated, deciding)
