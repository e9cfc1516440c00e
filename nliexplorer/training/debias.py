"""Debiasing against what the hypothesis alone gives away; goes together with any penalty.

An expert that never sees the premise says how easy each training pair is without reading it. Its
probabilities p_b are fixed before training, out of fold, so that it has seen no pair it judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

from nliexplorer.errors import unknown_name
from nliexplorer.records import LABELS, Example

#: Exponent of the focal weight, as in Karimi Mahabadi et al. 2020.
FOCUS = 2.0
#: The expert is never surer than this of being wrong: its logarithm stays finite.
_LEAST = 1e-4


def product_of_experts(logits: Tensor, labels: Tensor, expert: Tensor) -> Tensor:
    """-log softmax(log p + log p_b)_gold of each pair [B] (Clark et al. 2019, bias product).

    Where the expert is sure and right little is left to learn; the model alone is used afterwards.
    """
    joined = functional.log_softmax(logits, -1) + expert
    return functional.cross_entropy(joined, labels, reduction="none")


def focal(logits: Tensor, labels: Tensor, expert: Tensor) -> Tensor:
    """(1 - p_b,gold)^2 · CE of each pair [B] (Karimi Mahabadi et al. 2020, debiased focal loss)."""
    of_gold = expert.gather(1, labels[:, None])[:, 0].exp()
    entropies = functional.cross_entropy(logits, labels, reduction="none")
    return (1 - of_gold).clamp(min=0.0) ** FOCUS * entropies


LOSSES = {"product-of-experts": product_of_experts, "focal": focal}


def classification_loss(
    kind: str, logits: Tensor, labels: Tensor, expert: Tensor | None = None
) -> Tensor:
    """Loss of each pair [B] from logits [B, C]; plain cross-entropy with `none`.

    `labels` [B], or of soft labels the shares of each class [B, C]; not with `focal`. `expert`
    holds log p_b [B, C].
    """
    if kind == "none":
        return functional.cross_entropy(logits, labels, reduction="none")
    if kind not in LOSSES:
        raise unknown_name("debiasing", kind, ("none", *LOSSES))
    assert expert is not None
    return LOSSES[kind](logits, labels, expert.to(logits))


@dataclass(frozen=True, slots=True)
class Expert:
    """What the hypothesis alone says of each training pair."""

    log_probabilities: NDArray[np.float32]  # [n, C]
    accuracy: float  # out of fold
    majority: float

    def as_dict(self) -> dict[str, Any]:
        return {"expert_accuracy": self.accuracy, "expert_majority": self.majority}


def hypothesis_expert(
    hypotheses: Sequence[str], labels: ArrayLike, classes: int = len(LABELS)
) -> Expert:
    """The expert of a training set with labels 0 … `classes` - 1: seconds of scikit-learn.

    Raises NliError where pairs are too few.
    """
    from nliexplorer.analysis.shortcuts import hypothesis_only

    expert = hypothesis_only(hypotheses, labels)
    clipped = np.clip(expert.probabilities[:, :classes], _LEAST, None)
    clipped /= clipped.sum(1, keepdims=True)
    return Expert(np.log(clipped).astype(np.float32), expert.accuracy, expert.majority)


def collect_hypotheses(examples: Iterable[Example], hypotheses: list[str]) -> Iterator[Example]:
    """The same examples; their hypotheses are put into the list as they pass by."""
    for example in examples:
        hypotheses.append(example.hypothesis)
        yield example
