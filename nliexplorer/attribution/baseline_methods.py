"""Methods to compare against: attention rollout and random scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from nliexplorer.analysis.faithfulness import random_scores
from nliexplorer.attribution.task import Task
from nliexplorer.errors import NliError


def attention_rollout(task: Task) -> Tensor:
    """How much attention flows from the head's token to each (Abnar & Zuidema 2020, eq. 1).

    A = 0.5 W + 0.5 I with W the heads' mean, multiplied over the layers. Scores are never negative
    and do not depend on the class explained.
    """
    flow: Tensor | None = None
    for weights in _attentions(task):
        mean = weights.float().mean(1)
        residual = 0.5 * mean + 0.5 * torch.eye(mean.shape[-1], device=mean.device)
        residual = residual / residual.sum(-1, keepdim=True)
        flow = residual if flow is None else residual @ flow
    assert flow is not None
    lines = range(len(task.layouts))
    return torch.stack([flow[line, _head_token(task, line)] for line in lines])


def _head_token(task: Task, line: int) -> int:
    """Position of the token that the classifier reads: [CLS] or, without one, the last."""
    place = task.batch.place(len(task.layouts[line].tokens))
    ids = task.batch.input_ids[line, place].tolist()
    cls = task.classifier.tokenizer.cls_token_id
    return int(place.start or 0) + (ids.index(cls) if cls in ids else len(ids) - 1)


@torch.no_grad()
def _attentions(task: Task) -> tuple[Tensor, ...]:
    """Attention weights [B, heads, T, T] of each layer."""
    with _eager(task.classifier.model) as model:
        out = model(input_ids=task.batch.input_ids, **task.batch.features, output_attentions=True)
    attentions: tuple[Tensor, ...] = getattr(out, "attentions", None) or ()
    if not attentions or any(weights is None or weights.dim() != 4 for weights in attentions):
        raise NliError(
            f"{task.classifier.name} does not give its attention weights",
            "use another --method, such as integrated-gradients",
        )
    return attentions


@contextmanager
def _eager(model: Any) -> Iterator[Any]:
    """Switch to eager attention for the time being: fused attention keeps no weights."""
    before = model.config._attn_implementation
    if before == "eager":
        yield model
        return
    model.set_attn_implementation("eager")
    try:
        yield model
    finally:
        model.set_attn_implementation(before)


def random_control(task: Task) -> Tensor:
    """Uniform scores in (-1, 1), fixed by the pair's content."""
    rows = [
        random_scores(len(layout.tokens), task.seed(line)).tolist()
        for line, layout in enumerate(task.layouts)
    ]
    return task.filled(rows)
