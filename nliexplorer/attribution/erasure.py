"""Predictions for pairs with tokens removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nliexplorer.analysis.outputs import BoolArray, FloatArray, softmax
from nliexplorer.inference import predict
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import EncodedPairs


def erased(encoded: EncodedPairs, keeps: Sequence[BoolArray]) -> EncodedPairs:
    """For each row of `encoded` its copies with the tokens of each mask kept, in order.

    `keeps[row]` is [copies, tokens]. Tokens that go are deleted, not masked (DeYoung et al. 2020).
    """
    ids, types, segments, lengths = [], [], [], [0]
    for row, masks in enumerate(keeps):
        piece = encoded.slice(row)
        for mask in masks:
            ids.append(encoded.ids[piece][mask])
            types.append(encoded.types[piece][mask])
            segments.append(encoded.segments[piece][mask])
            lengths.append(int(mask.sum()))
    return replace(
        encoded,
        ids=np.concatenate([np.zeros(0, np.int32), *ids]),
        types=np.concatenate([np.zeros(0, np.uint8), *types]),
        segments=np.concatenate([np.zeros(0, np.uint8), *segments]),
        offsets=np.cumsum(lengths, dtype=np.int64),
        truncated=np.zeros(len(lengths) - 1, dtype=bool),
    )


def erased_probabilities(
    classifier: Classifier,
    encoded: EncodedPairs,
    keeps: Sequence[BoolArray],
    targets: NDArray[np.int64],
) -> list[FloatArray]:
    """For each row the probabilities [copies] of its class `targets[row]` when tokens are erased.

    All copies go through the model together, in batches of similar length.
    """
    copies = [len(masks) for masks in keeps]
    probabilities = softmax(predict(classifier, erased(encoded, keeps)))
    of_target = probabilities[np.arange(sum(copies)), np.repeat(targets, copies)]
    return np.split(of_target, np.cumsum(copies)[:-1])
