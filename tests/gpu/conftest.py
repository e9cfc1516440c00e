"""The device that the tests marked `gpu` run on.

With NLI_TEST_DEVICE=cpu they are rehearsed on a CPU: `python -m tests.bench.gpu --device cpu` does.
"""

from __future__ import annotations

import os

# What cuBLAS wants for the same figures twice; read when it is first used.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import pytest
import torch


@pytest.fixture
def device() -> str:
    """`cuda:0`, or what NLI_TEST_DEVICE names; skips where there is no GPU."""
    name = os.environ.get("NLI_TEST_DEVICE", "cuda:0")
    if name != "cpu" and not torch.cuda.is_available():
        pytest.skip("no GPU is seen")
    return "cuda:0" if name == "cuda" else name


@pytest.fixture
def gpu(device: str) -> str:
    """A device that is a GPU, where a CPU can't stand in."""
    if device == "cpu":
        pytest.skip("a CPU has no such limit")
    return device
