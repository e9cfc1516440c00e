"""Each run's probabilities against the labels of many annotators, where the pairs have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nliexplorer.analysis.outputs import FloatArray, Outputs
from nliexplorer.analysis.soft_labels import (
    SoftDifference,
    SoftMetrics,
    SoftValues,
    soft_differences,
    soft_values,
)
from nliexplorer.comparison.pairs import PairedRuns
from nliexplorer.records import TWO_WAY
from nliexplorer.store.reader import StoreReader


@dataclass(frozen=True, slots=True)
class SoftComparison:
    """Each run's figures on the `n` annotated pairs (None: labels alone), and of each run after the
    first the differences from it; empty where either has none.
    """

    n: int
    metrics: tuple[SoftMetrics | None, ...]
    differences: tuple[tuple[SoftDifference, ...], ...]

    def as_dict(self, names: Sequence[str]) -> dict[str, Any]:
        """The `soft_labels` document; `names` of the runs."""
        document: dict[str, Any] = {
            name: each and each.as_dict() for name, each in zip(names, self.metrics, strict=True)
        }
        later = zip(names[1:], self.differences, strict=True)
        document["differences"] = {name: [row.as_dict() for row in rows] for name, rows in later}
        return document


def compare_soft_labels(
    reader: StoreReader, paired: PairedRuns, resamples: int | None = None
) -> SoftComparison | None:
    """On the pairs that several annotators labelled; in two classes where a run's answers or some
    pair's labels are two. None where no pair is annotated, or no run has probabilities.
    """
    shares = reader.examples.label_distributions(paired.arrays[0].example_ids)
    rows = np.array(sorted(shares), dtype=np.int64)
    human = [shares[int(row)] for row in rows]
    first, *others = values = [_values(each, rows, human) for each in paired.outputs]
    if all(each is None for each in values):
        return None
    return SoftComparison(
        len(rows),
        tuple(None if each is None else each.metrics for each in values),
        tuple(soft_differences(first, b, resamples) if first and b else () for b in others),
    )


def _values(
    outputs: Outputs, rows: np.ndarray, human: list[tuple[float, ...]]
) -> SoftValues | None:
    if outputs.p is None or not human:
        return None
    model = outputs.p[rows]
    classes = min(model.shape[1], *(len(each) for each in human))
    folded = np.array([_folded(each, classes) for each in human])
    return soft_values(_folded_rows(model, classes), folded)


def _folded(shares: tuple[float, ...], classes: int) -> tuple[float, ...]:
    return shares if len(shares) == classes else (shares[0], 1.0 - shares[0])


def _folded_rows(model: FloatArray, classes: int) -> FloatArray:
    if model.shape[1] == classes:
        return model
    assert classes == len(TWO_WAY)
    return np.stack([model[:, 0], 1.0 - model[:, 0]], axis=1)
