"""The machine and the versions that the figures are of."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from typing import Any

import torch

from nliexplorer.modeling.devices import bf16_is_fast, free_memory, pass_tokens
from tests.bench.gpu.context import Measurements, Setup

_PACKAGES = ("torch", "transformers", "accelerate", "captum", "numpy")


def measurements(setup: Setup) -> Measurements:
    return {"device": lambda: _device(setup), "versions": _versions, "models": lambda: _of(setup)}


def _device(setup: Setup) -> dict[str, Any]:
    device = setup.torch_device
    figures: dict[str, Any] = {
        "device": str(device),
        "bf16_is_fast": bf16_is_fast(device),
        "free_bytes": free_memory(device),
        "pass_tokens": pass_tokens(device),
        "cpus": os.cpu_count(),
        "tf32": torch.get_float32_matmul_precision() != "highest",
    }
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        figures |= {
            "name": card.name,
            "capability": f"{card.major}.{card.minor}",
            "total_bytes": card.total_memory,
            "multiprocessors": card.multi_processor_count,
            "driver": _driver(),
        }
    return figures


def _driver() -> str | None:
    if not shutil.which("nvidia-smi"):
        return None
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return done.stdout.strip() or None


def _versions() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None,
    }


def _of(setup: Setup) -> dict[str, Any]:
    models = {"electra-small, random": setup.electra}
    if setup.trained:
        models[setup.trained.name] = setup.trained
    return {
        name: sum(parameter.numel() for parameter in each.model.parameters())
        for name, each in models.items()
    }
