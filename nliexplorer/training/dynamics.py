"""P(gold) of each training pair in each epoch, recorded in passing (for dataset
maps, Swayamdipta et al. 2020): no extra pass, so dropout is on and weights move meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nliexplorer import processes


@dataclass(frozen=True, slots=True)
class DynamicsBatch:
    """Some training rows of one epoch (from 1): P(gold) and whether gold came first; all [n]."""

    epoch: int
    rows: NDArray[np.int64]
    gold_probability: NDArray[np.float64]
    correct: NDArray[np.bool_]


class DynamicsRecorder:
    """Holds what was seen since the last `take`, which goes before each checkpoint.

    So a resumed run has everything up to its checkpoint and sees the rest again.
    """

    def __init__(self, updates_per_epoch: int) -> None:
        self._per_epoch = updates_per_epoch
        self._held: list[tuple[int, Tensor, Tensor, Tensor]] = []

    def add(self, update: int, rows: Tensor, logits: Tensor, labels: Tensor) -> None:
        """A micro-batch of the update (from 0); logits [B, 3] of the model alone."""
        logits = logits.detach()
        of_gold = torch.softmax(logits, -1).gather(1, labels[:, None])[:, 0]
        epoch = update // self._per_epoch + 1
        self._held.append((epoch, rows, of_gold, logits.argmax(-1) == labels))

    def take(self) -> Iterator[DynamicsBatch]:
        """Of every process, epoch by epoch, then forgotten. Every process must call this."""
        held, self._held = self._held, []
        own: list[DynamicsBatch] = []
        for epoch in sorted({each[0] for each in held}):
            parts = [each[1:] for each in held if each[0] == epoch]
            rows, chances, right = (
                torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True)
            )
            known = np.isfinite(chances)  # the update that ended a run on NaN will be seen again
            own.append(
                DynamicsBatch(epoch, rows[known], chances[known].astype(np.float64), right[known])
            )
        yield from processes.gather_lists(own)
