"""A forward pass on given word embeddings, for models that want token ids as well.

Sequence-to-sequence and last-token heads find their position by the ids, and Longformer its global
attention. They get the ids, and their embedding table returns the given embeddings instead of its
rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn


@contextmanager
def embeddings_in_place(
    model: nn.Module, table: nn.Embedding, input_ids: Tensor, embeddings: Tensor
) -> Iterator[None]:
    """Within this, a lookup of `input_ids` [B, T] gives `embeddings` [B, T, D].

    Tied tables (encoder and decoder) are all covered.
    """
    tables = [
        module
        for module in model.modules()
        if isinstance(module, nn.Embedding) and module.weight is table.weight
    ]
    for module in tables:
        lookup = module.forward
        module.forward = partial(_embedded, input_ids, embeddings, lookup)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for module in tables:
            del module.forward  # the class's own shows again


def _embedded(
    input_ids: Tensor, embeddings: Tensor, lookup: Callable[[Tensor], Tensor], ids: Tensor
) -> Tensor:
    """The embeddings laid out as `ids` are: as they were, padded further, shifted, transposed."""
    width = input_ids.shape[1]
    if ids.shape[0] == len(input_ids) and ids.shape[1] >= width:
        if torch.equal(ids[:, :width], input_ids):
            rest = ids[:, width:]
            return torch.cat([embeddings, lookup(rest)], 1) if rest.numel() else embeddings
        if ids.shape[1] == width and torch.equal(ids[:, 1:], input_ids[:, :-1]):
            return torch.cat([lookup(ids[:, :1]), embeddings[:, :-1]], 1)  # a decoder's input
    if ids.shape == input_ids.T.shape and torch.equal(ids, input_ids.T):
        return embeddings.transpose(0, 1)
    return lookup(ids)
