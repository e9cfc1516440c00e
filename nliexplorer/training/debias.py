"""Debiasing against what a part of a pair gives away; goes together with any penalty.

A method changes the loss of a pair, what it is trained on, its weight, or whether it is trained on
at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nliexplorer.analysis.outputs import softmax
from nliexplorer.analysis.z_filter import z_filter
from nliexplorer.errors import unknown_name
from nliexplorer.training.group_dro import GroupWeights

#: Exponent of the focal weight, as in Karimi Mahabadi et al. 2020.
FOCUS = 2.0


def cross_entropy(logits: Tensor, labels: Tensor, _expert: Tensor | None = None) -> Tensor:
    """Cross-entropy of each pair [B], to the gold label or to shares of every label."""
    return functional.cross_entropy(logits, labels, reduction="none")


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


def error_weights(
    logits: NDArray[np.float64], labels: NDArray[np.int64], upweight: float
) -> tuple[NDArray[np.float32], int]:
    """(weights [n], how many pairs a first model gets wrong): Just Train Twice (Liu et al. 2021).

    The first model's errors weigh `upweight` times as much as the rest; the mean weight is 1, so
    that the learning rate means what it does elsewhere.
    """
    wrong = logits.argmax(1) != labels
    weights = np.where(wrong, upweight, 1.0)
    return (weights / weights.mean()).astype(np.float32), int(wrong.sum())


def scaled_teacher(
    logits: NDArray[np.float64], labels: NDArray[np.int64], expert: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Targets [n, C] of confidence regularisation (Utama et al. 2020, eq. 2-3).

    S_j = p_j^(1 - b) / sum_k p_k^(1 - b) with p the teacher's probabilities and b the biased
    expert's probability of the gold label: where the expert knows the answer, the student is taught
    to be unsure; where it does not, the teacher is distilled as it is.
    """
    bias = np.exp(np.take_along_axis(expert.astype(np.float64), labels[:, None], 1))
    return softmax((1 - bias) * logits).astype(np.float32)


PairLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Debiasing:
    """An entry of the registry; its line for help and docs is `config.DEBIASING[name]`."""

    formula: Callable[..., Any]  # whose docstring states it
    loss: PairLoss = cross_entropy  # of a pair, from logits, labels and the expert's log p_b
    needs_expert: bool = False
    needs_first_model: bool = False  # trains another model before


METHODS: dict[str, Debiasing] = {
    "none": Debiasing(cross_entropy),
    "product-of-experts": Debiasing(product_of_experts, product_of_experts, needs_expert=True),
    "focal": Debiasing(focal, focal, needs_expert=True),
    "jtt": Debiasing(error_weights, needs_first_model=True),
    "confidence-regularisation": Debiasing(
        scaled_teacher, needs_expert=True, needs_first_model=True
    ),
    "z-filter": Debiasing(z_filter),
    "group-dro": Debiasing(GroupWeights),
}


def get_debiasing(name: str) -> Debiasing:
    """The method of that name; the error of an unknown one lists what there is."""
    if name not in METHODS:
        raise unknown_name("debiasing", name, tuple(METHODS))
    return METHODS[name]


def classification_loss(
    kind: str, logits: Tensor, labels: Tensor, expert: Tensor | None = None
) -> Tensor:
    """Loss of each pair [B] from logits [B, C] by the method `kind`; `none` is cross-entropy.

    `labels` [B], or of soft labels the shares of each class [B, C]. `expert` holds log p_b [B, C].
    """
    method = get_debiasing(kind)
    if method.needs_expert and method.loss is not cross_entropy:
        assert expert is not None
        expert = expert.to(logits)
    return method.loss(logits, labels, expert)  # type: ignore[arg-type]
