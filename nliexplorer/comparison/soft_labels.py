"""Each run's probabilities against the labels of many annotators, where the pairs have them."""

from __future__ import annotations

import numpy as np

from nliexplorer.analysis.outputs import FloatArray, Outputs
from nliexplorer.analysis.soft_labels import SoftMetrics, soft_metrics
from nliexplorer.comparison.pairs import PairedRuns
from nliexplorer.records import TWO_WAY
from nliexplorer.store.reader import StoreReader


def soft_label_metrics(reader: StoreReader, paired: PairedRuns) -> tuple[SoftMetrics | None, ...]:
    """Of each run, on the pairs that several annotators labelled; in two classes where the run's
    answers or some pair's labels are two. None where no pair is annotated, or of labels alone.
    """
    shares = reader.examples.label_distributions(paired.arrays[0].example_ids)
    rows = np.array(sorted(shares), dtype=np.int64)
    if not len(rows):
        return (None,) * len(paired.sides)
    human = [shares[int(row)] for row in rows]
    return tuple(_metrics(each, rows, human) for each in paired.outputs)


def _metrics(
    outputs: Outputs, rows: np.ndarray, human: list[tuple[float, ...]]
) -> SoftMetrics | None:
    if outputs.p is None:
        return None
    model = outputs.p[rows]
    classes = min(model.shape[1], *(len(each) for each in human))
    folded = np.array([_folded(each, classes) for each in human])
    return soft_metrics(_folded_rows(model, classes), folded)


def _folded(shares: tuple[float, ...], classes: int) -> tuple[float, ...]:
    return shares if len(shares) == classes else (shares[0], 1.0 - shares[0])


def _folded_rows(model: FloatArray, classes: int) -> FloatArray:
    if model.shape[1] == classes:
        return model
    assert classes == len(TWO_WAY)
    return np.stack([model[:, 0], 1.0 - model[:, 0]], axis=1)
