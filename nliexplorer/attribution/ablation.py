"""Feature ablation by word, by Captum."""

from __future__ import annotations

import torch
from captum.attr import FeatureAblation
from torch import Tensor

from nliexplorer.attribution.task import Task
from nliexplorer.modeling.tokenizing import TokenLayout


def feature_ablation(task: Task) -> Tensor:
    """F(x) - F(x with the word's embeddings put to the baseline), in logits.

    A word's value is split evenly over its pieces, so that pieces merged to words give it back.
    Special tokens are never ablated and score 0.
    """
    groups = [word_groups(layout) for layout in task.layouts]
    numbers = task.filled(groups).long().to(task.path.inputs.device)  # 0: special or padding
    scores = FeatureAblation(task.forward).attribute(
        task.path.inputs,
        baselines=task.path.baseline,
        target=task.path.target,
        additional_forward_args=task.more,
        feature_mask=numbers[:, :, None].expand_as(task.path.inputs),
    )
    pieces = torch.zeros_like(scores[..., 0]).scatter_add_(
        1, numbers, torch.ones_like(scores[..., 0])
    )
    shared = scores[..., 0] / pieces.gather(1, numbers)
    return shared.masked_fill(numbers == 0, 0.0)


def word_groups(layout: TokenLayout) -> list[int]:
    """[T] the word of each token, numbered from 1 over both sentences; 0 for special tokens."""
    groups: list[int] = []
    last: tuple[str, int | None] | None = None
    count = 0
    for segment, word in zip(layout.segments, layout.word_ids, strict=True):
        if segment == "special":
            groups.append(0)
            last = None
            continue
        if (segment, word) != last:
            count += 1
        last = (segment, word)
        groups.append(count)
    return groups
