"""Batches without waste: sorted by length, bounded by tokens, padded to their longest row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nliexplorer.modeling.tokenizing import SPECIAL, EncodedPairs, Padding


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded tensors [B, T] of one batch; `segments` counts padding as special."""

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor | None
    segments: Tensor
    left: bool = False  # padding stands on the left

    @property
    def words(self) -> Tensor:
        """Real word tokens: neither special nor padding."""
        return self.segments > SPECIAL

    @property
    def features(self) -> dict[str, Tensor]:
        """Keyword arguments of the model's forward, less the ids."""
        features = {"attention_mask": self.attention_mask, "token_type_ids": self.token_type_ids}
        return {name: value for name, value in features.items() if value is not None}

    def place(self, size: int) -> slice:
        """Where the tokens of a row of `size` tokens stand."""
        width = self.input_ids.shape[1]
        return slice(width - size, width) if self.left else slice(size)

    def to(self, device: torch.device) -> Batch:
        types = self.token_type_ids
        return Batch(
            self.input_ids.to(device, non_blocking=True),
            self.attention_mask.to(device, non_blocking=True),
            None if types is None else types.to(device, non_blocking=True),
            self.segments.to(device, non_blocking=True),
            self.left,
        )


def token_batches(
    lengths: Sequence[int] | NDArray[np.int64],
    budget: int,
    longest_first: bool = True,
    equal: bool = False,
) -> list[NDArray[np.int64]]:
    """Row numbers in batches of similar length, each at most `budget` tokens with its padding.

    With `equal` all rows of a batch are of one length.

    A row longer than the budget is a batch of its own. Long batches come first, so that memory
    runs out at once or never.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    batches: list[NDArray[np.int64]] = []
    start = 0
    while start < len(order):
        longest = int(sizes[order[start]])
        rows = max(1, budget // max(1, longest))
        if equal:
            rows = min(rows, int((sizes[order[start : start + rows]] == longest).sum()))
        batches.append(order[start : start + rows])
        start += rows
    return batches if longest_first else batches[::-1]


def collate(
    encoded: EncodedPairs,
    rows: Sequence[int] | NDArray[np.int64],
    pad_to: int = 0,
    side: Padding | None = None,
) -> Batch:
    """Rows of `encoded` padded to the longest of them, or to `pad_to` if longer.

    On `side`, else on the side that `encoded` names.
    """
    left = (side or encoded.padding) == "left"
    numbers = [int(row) for row in rows]
    width = max(pad_to, *(encoded.length(row) for row in numbers))
    ids = np.full((len(numbers), width), encoded.pad_id, dtype=np.int64)
    types = np.zeros_like(ids)
    mask = np.zeros_like(ids)
    segments = np.full(ids.shape, SPECIAL, dtype=np.uint8)
    for line, row in enumerate(numbers):
        piece = encoded.slice(row)
        size = piece.stop - piece.start
        place = slice(width - size, width) if left else slice(size)
        ids[line, place] = encoded.ids[piece]
        types[line, place] = encoded.types[piece]
        segments[line, place] = encoded.segments[piece]
        mask[line, place] = 1
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(mask),
        torch.from_numpy(types) if encoded.has_types else None,
        torch.from_numpy(segments),
        left,
    )
