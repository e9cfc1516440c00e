"""Dataset maps from training dynamics (Swayamdipta et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import BoolArray, FloatArray, IntArray
from nliexplorer.errors import NliError

REGIONS = ("easy-to-learn", "ambiguous", "hard-to-learn")


@dataclass(frozen=True, slots=True, eq=False)
class DatasetMap:
    """Per training pair, over epochs; all [n].

    `confidence`: mean P(gold); `variability`: its population standard deviation; `correctness`:
    share of epochs predicted right; `forgetting`: times right was followed by wrong (Toneva et al.
    2019); `never_learned`: wrong in every epoch, whose forgetting count of 0 means nothing.
    """

    epochs: int
    confidence: FloatArray
    variability: FloatArray
    correctness: FloatArray
    forgetting: IntArray
    never_learned: BoolArray

    @property
    def region(self) -> list[str]:
        """[n] of REGIONS: the most variable third is ambiguous, others split at confidence 0.5."""
        names = np.where(self.confidence >= 0.5, REGIONS[0], REGIONS[2])
        if self.variability.size:
            cut = np.quantile(self.variability, 2 / 3)
            names = np.where((self.variability > cut), REGIONS[1], names)
        regions: list[str] = names.tolist()
        return regions


def dataset_map(
    gold_probability: npt.ArrayLike, correct: npt.ArrayLike | None = None
) -> DatasetMap:
    """The map of P(gold) [epochs, n] in order of epochs.

    `correct` [epochs, n] is whether the prediction was right; without it, right is P(gold) > 0.5.
    """
    p = np.asarray(gold_probability, dtype=np.float64)
    if p.ndim != 2 or not p.shape[0]:
        raise NliError("no training dynamics", "train with --record-dynamics")
    if not np.isfinite(p).all() or (p < 0).any() or (p > 1 + 1e-6).any():
        raise NliError("gold probabilities are not all between 0 and 1", "record the run again")
    right = p > 0.5 if correct is None else np.asarray(correct, dtype=bool)
    if right.shape != p.shape:
        raise NliError(
            f"{p.shape} probabilities but {right.shape} outcomes", "record them together"
        )
    return DatasetMap(
        epochs=p.shape[0],
        confidence=p.mean(axis=0),
        variability=p.std(axis=0),
        correctness=right.mean(axis=0),
        forgetting=(right[:-1] & ~right[1:]).sum(axis=0).astype(np.int64),
        never_learned=~np.asarray(right.any(axis=0), dtype=np.bool_),
    )
