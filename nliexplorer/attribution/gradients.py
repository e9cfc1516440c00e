"""Methods that follow the gradient, by Captum, on word embeddings: scores summed over them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from captum.attr import DeepLift, GradientShap, InputXGradient, Saliency
from captum.attr._core.deep_lift import nonlinear
from torch import Tensor, nn

from nliexplorer.attribution.task import Task
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier

#: Noise of gradient SHAP, as a part of the embedding table's standard deviation.
_NOISE = 0.1


def saliency(task: Task) -> Tensor:
    """sum_d |dF/de_d|: how steep, not in which direction (Simonyan et al. 2014)."""
    scores = Saliency(task.forward).attribute(
        _leaf(task), target=task.path.target, additional_forward_args=task.more
    )
    return scores.sum(-1)


def input_x_gradient(task: Task) -> Tensor:
    """sum_d e_d dF/de_d (Shrikumar et al. 2016)."""
    scores = InputXGradient(task.forward).attribute(
        _leaf(task), target=task.path.target, additional_forward_args=task.more
    )
    return scores.sum(-1)


def _leaf(task: Task) -> Tensor:
    """The embeddings as a leaf with requires_grad, as Captum expects."""
    return task.path.inputs.detach().requires_grad_()


def gradient_shap(task: Task) -> Tensor:
    """Expected gradients (Lundberg & Lee 2017; Erion et al. 2021) over `steps` draws per pair.

    Each draw is a uniform point on the path from the baseline to the input with a little Gaussian
    noise. Pair by pair with a seed of its own, so that batches change nothing.
    """
    noise = _NOISE * float(task.classifier.embeddings.weight.detach().std())
    rows = []
    for line in range(len(task.layouts)):
        one = task.row(line)
        with _seeded(task.seed(line)):
            scores = GradientShap(one.forward).attribute(
                _leaf(one),
                baselines=one.path.baseline,
                n_samples=task.steps,
                stdevs=noise,
                target=one.path.target,
                additional_forward_args=one.more,
            )
        rows.append(scores.sum(-1)[0].tolist())
    return task.filled(rows)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Captum draws from the global generators: they are set, and put back."""
    numpy_state = np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(seed & (2**63 - 1))
        np.random.seed(seed & 0xFFFFFFFF)
        try:
            yield
        finally:
            np.random.set_state(numpy_state)


def deeplift(task: Task) -> Tensor:
    """DeepLIFT's rescale rule (Shrikumar et al. 2017) at every activation module.

    Attention's softmax and products and layer normalisation are no such modules: they take part by
    their plain gradient at the input, so that scores need not sum up; the completeness error says
    by how much. Raises NliError where a module is shared by layers (ALBERT), where tokens come
    before pairs (XLNet), or where there is no such module.
    """
    model = _Embedded(task)
    if not any(_is_activation(module) for module in task.classifier.model.modules()):
        raise _refusal(task.classifier, "it has no activation modules")
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # "setting hooks"
            scores = _DeepLift(model, 2 * len(task.layouts)).attribute(
                _leaf(task),
                baselines=task.path.baseline,
                target=task.path.target,
                additional_forward_args=task.more,
            )
    except (RuntimeError, AssertionError) as error:
        if "used more than once" in str(error):
            raise _refusal(task.classifier, "its layers share an activation module") from None
        if _MIXED in str(error):
            raise _refusal(task.classifier, f"its layers have {_MIXED}") from None
        raise
    return scores.sum(-1)


def _refusal(classifier: Classifier, reason: str) -> NliError:
    return NliError(
        f"DeepLIFT cannot explain {classifier.name}: {reason}",
        "use --method integrated-gradients or gradient-shap",
    )


class _Embedded(nn.Module):
    """The classifier as a module of word embeddings, which is what DeepLift hooks."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.model = task.classifier.model
        self._forward = task.forward

    def forward(self, embeddings: Tensor, *more: Tensor) -> Tensor:
        return self._forward(embeddings, *more)


def _is_activation(module: nn.Module) -> bool:
    """Elementwise activations: Captum's own list lacks GELU and its variants."""
    kinds = (nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid)
    return isinstance(module, kinds) or type(module).__module__ == "transformers.activations"


_MIXED = "tokens, not pairs, along the first axis"


class _DeepLift(DeepLift):  # type: ignore[misc]
    """Captum's DeepLift, extended to the activations that transformers use."""

    def __init__(self, model: nn.Module, rows: int) -> None:
        super().__init__(model)
        self.rows = rows  # inputs and their baselines

    def _is_non_linear(self, module: nn.Module) -> bool:
        return _is_activation(module)

    def _backward_hook(self, module: Any, grad_input: Tensor, grad_output: Tensor) -> Tensor:
        if not self.satisfies_attribute_criteria(module):
            raise RuntimeError("an activation module is used more than once")
        if len(module.input) != self.rows:
            raise RuntimeError(_MIXED)
        gradient: Tensor = nonlinear(
            module, module.input, module.output, grad_input, grad_output, eps=self.eps
        )
        del module.input, module.output
        return gradient
