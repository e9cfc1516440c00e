"""How much memory an exact step takes, and that `path_tokens` bounds it."""

from __future__ import annotations

import multiprocessing as mp
import re
from pathlib import Path
from typing import Any

from tests.bench.registry import bench
from tests.bench.steps import EXACT, Stepper, settings

_MIB = 1024  # KiB, the unit of /proc


@bench("step_memory", "<= 0.5")
def step_memory() -> float:
    """Peak memory that an exact step adds: `path_tokens` 1024 / all nodes' graphs at once."""
    bounded, whole = (_of_step(tokens) for tokens in (1024, 1 << 20))
    print(f"{'':<28} {bounded:,.0f} MiB against {whole:,.0f} MiB")
    return bounded / whole


def _of_step(path_tokens: int) -> float:
    """MiB over what model and optimiser hold, in a process of its own: a peak never falls."""
    context = mp.get_context("spawn")
    queue: Any = context.Queue()
    process = context.Process(target=_measure, args=(path_tokens, queue))
    process.start()
    result: float = queue.get()
    process.join()
    return result


def _measure(path_tokens: int, queue: Any) -> None:
    baseline = Stepper(settings(objective="baseline"))
    baseline()
    step = Stepper(settings(**EXACT, path_tokens=path_tokens))
    before = _peak()
    step()
    queue.put((_peak() - before) / _MIB)


def _peak() -> int:
    """KiB; `ru_maxrss` would begin at the peak of the process that started this one."""
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text("utf-8"))
    assert peak is not None
    return int(peak[1])
