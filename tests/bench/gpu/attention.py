"""Which attention kernels can be differentiated twice here, and rightly (PyTorch #116350)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from nliexplorer.modeling.checkpoints import attention
from tests.bench.gpu.context import Measurements, Setup
from tests.bench.gpu.parity import relative

_BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
    "eager": None,
}
_SHAPE = (4, 4, 32, 64)  # pairs, heads, tokens, size of a head
_STAGES = ("forward", "backward", "double backward")


def measurements(setup: Setup) -> Measurements:
    return {
        "used": _used,
        **{
            f"{name}, {precision}, {'padded' if padded else 'full'}": partial(
                stages, setup.torch_device, backend, dtype, padded
            )
            for name, backend in _BACKENDS.items()
            for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16))
            for padded in (False, True)
        },
    }


def _used() -> dict[str, str]:
    return {
        "models are loaded with": attention(),
        "other models, where the path is differentiated twice": "math",
    }


def stages(
    device: torch.device, backend: SDPBackend | None, dtype: torch.dtype, padded: bool
) -> dict[str, Any]:
    """Of each stage its relative error to eager attention in float64, or the reason it fails."""
    expected: list[Tensor] = []
    _derivatives(torch.device("cpu"), None, torch.float64, padded, expected)
    own: list[Tensor] = []
    reason = ""
    try:
        _derivatives(device, backend, dtype, padded, own)
    except RuntimeError as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
    errors = [relative(value, right) for value, right in zip(own, expected, strict=False)]
    return {
        stage: errors[number] if number < len(errors) else reason
        for number, stage in enumerate(_STAGES)
    }


def _derivatives(
    device: torch.device,
    backend: SDPBackend | None,
    dtype: torch.dtype,
    padded: bool,
    values: list[Tensor],
) -> None:
    """Append output, first and second derivative, as far as they can be had."""
    generator = torch.Generator().manual_seed(0)
    query, key, value = (
        torch.randn(_SHAPE, generator=generator, dtype=torch.float64)
        .to(device, dtype)
        .requires_grad_()
        for _ in range(3)
    )
    mask = None
    if padded:
        lengths = torch.tensor([32, 20, 9, 27], device=device)
        mask = (torch.arange(_SHAPE[2], device=device) < lengths[:, None])[:, None, None]
        mask = mask.expand(-1, 1, _SHAPE[2], -1)
    only: AbstractContextManager[None] = nullcontext() if backend is None else sdpa_kernel(backend)
    with only:
        attend = _eager if backend is None else scaled_dot_product_attention
        output = attend(query, key, value, attn_mask=mask)
        values.append(output.detach().double().cpu())
        (first,) = torch.autograd.grad(output.square().sum(), query, create_graph=True)
        values.append(first.detach().double().cpu())
        (second,) = torch.autograd.grad(first.square().sum(), key)
        values.append(second.double().cpu())


def _eager(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None) -> Tensor:
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, torch.finfo(scores.dtype).min)
    return scores.softmax(-1) @ value
