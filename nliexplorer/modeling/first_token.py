"""The last layer for the first token alone, where the classifier reads no other.

Keys and values need every token; the attention's output and the feed-forward block, three quarters
of the layer, do not. The logits and their derivatives stay the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

#: Families whose head takes `hidden[:, 0]` and whose layers are built like BERT's.
FAMILIES = ("bert", "electra", "roberta", "xlm-roberta", "camembert")


@contextmanager
def first_token_only(model: Any) -> Iterator[None]:
    """Within this, forward passes of such a classifier leave out what its logits do not need."""
    if getattr(getattr(model, "config", None), "model_type", None) not in FAMILIES:
        yield
        return
    last = model.base_model.encoder.layer[-1].attention.output
    hook = last.register_forward_pre_hook(_first)
    try:
        yield
    finally:
        hook.remove()


def _first(_module: Any, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(each[:, :1] for each in states)
