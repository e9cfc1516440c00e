"""Which device, which precision, and how many tokens one pass should hold on it."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from nliexplorer.errors import NliError

#: Tokens a matrix product works on best: a CPU's caches hold about 1,000 rows of these models,
#: a GPU is bound by kernel launches and is fastest with all of them at once.
PASS_TOKENS = {"cpu": 1024, "cuda": 65_536, "mps": 8192}


def resolve_device(name: str = "auto") -> torch.device:
    """The named device; `auto` takes CUDA, then MPS, then the CPU; an absent one is refused.

    A GPU always has its number, as tensors' devices have: of `cuda`, that of this process.
    """
    if name == "auto":
        if not torch.cuda.is_available():
            return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
        name = "cuda"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise NliError(f"unknown device {name!r}", "use auto, cpu, cuda, cuda:1 or mps") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise NliError(f"device {name} is not there", f"{torch.cuda.device_count()} GPUs are seen")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise NliError("device mps is not there", "use --device cpu")
    if device.type not in PASS_TOKENS:
        raise NliError(f"device {name!r} is not supported", "use auto, cpu, cuda, cuda:1 or mps")
    if device.type == "cuda" and device.index is None:
        rank = int(os.environ.get("LOCAL_RANK", "0"))
        return torch.device("cuda", rank % torch.cuda.device_count())
    return device


def training_device(name: str = "auto") -> torch.device:
    """The named device where training can run on it; of several GPUs this process's alone.

    Trainer takes the first GPU that it sees, or under a launcher that of its process.
    """
    device = resolve_device(name)
    if device.type == "cuda" and device != (own := resolve_device("cuda")):
        raise NliError(
            f"training runs on {own}, not on {device}",
            f"set CUDA_VISIBLE_DEVICES={device.index}, and use --device cuda",
        )
    return device


def pass_tokens(device: torch.device) -> int:
    """Tokens of one forward pass that are fastest on `device`."""
    return PASS_TOKENS[device.type]


def bf16_is_fast(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16 itself rather than emulating it."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, probe, bool)() for probe in probes)
    return False


def wants_bf16(precision: str, device: torch.device) -> bool:
    """`auto` means bfloat16 exactly where it is fast."""
    return precision == "bf16" or (precision == "auto" and bf16_is_fast(device))


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Autocast to bfloat16 where `precision` asks for it, else nothing."""
    if wants_bf16(precision, device):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def free_memory(device: torch.device) -> int | None:
    """Bytes that the device can still give out; None where that is not known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    available = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return int(available.split()[1]) * 1024 if available else None
