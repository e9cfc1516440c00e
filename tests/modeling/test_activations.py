"""The cheap GELU is GELU: value, first, second derivative; and it is there only where asked for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu
from transformers.activations import ACT2FN

from nliexplorer.modeling.activations import lean_gelu


def derivatives(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Value, gradient g of sum(y^2), and both parts of the gradient of sum(g^3)."""
    start = x.clone().requires_grad_()
    weight = torch.linspace(0.5, 2, x.numel(), dtype=x.dtype).view_as(x).requires_grad_()
    value = module(start * weight)
    (gradient,) = torch.autograd.grad(value.square().sum(), start, create_graph=True)
    second = torch.autograd.grad(gradient.pow(3).sum(), [start, weight])
    return value.detach(), gradient.detach(), *second


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_it_agrees_with_pytorchs_own(dtype: torch.dtype) -> None:
    x = torch.linspace(-6, 6, 101, dtype=dtype)
    module = ACT2FN["gelu"]
    expected = derivatives(module, x)
    with lean_gelu(module):
        assert module.act is not gelu
        result = derivatives(module, x)
    tolerance = {torch.float64: 1e-12, torch.float32: 1e-5}[dtype]
    for one, other in zip(result, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)
    assert module.act is gelu


def test_finite_differences() -> None:
    module = ACT2FN["gelu"]
    x = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    with lean_gelu(module):
        assert torch.autograd.gradcheck(module, x)
        assert torch.autograd.gradgradcheck(module, x)


def test_other_activations_are_left_alone() -> None:
    for name in ("gelu_new", "relu", "silu", "gelu_python"):
        module = ACT2FN[name]
        before = getattr(module, "act", None)
        with lean_gelu(module):
            assert getattr(module, "act", None) == before


def test_it_is_put_back_after_an_error() -> None:
    module = ACT2FN["gelu"]
    with pytest.raises(RuntimeError, match="mid-way"), lean_gelu(module):
        raise RuntimeError("mid-way")
    assert module.act is gelu
