"""Out-of-memory recovery by halving the token budget, and reuse of freed memory."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from nliexplorer.errors import NliError
from nliexplorer.modeling.batching import Batch, collate, token_batches
from nliexplorer.modeling.tokenizing import EncodedPairs
from nliexplorer.progress import say

Result = TypeVar("Result")
#: (rows, their tensors on the device, tokens per pass) -> the result for these rows.
Work = Callable[[NDArray[np.int64], Batch, int], Result]

#: Out-of-memory messages of libraries other than PyTorch's own allocator.
_FULL = ("CUDA error: out of memory", "STATUS_ALLOC_FAILED", "can't allocate memory")

#: Below this many tokens per pass, the batch is not what fills memory.
LEAST_TOKENS = 32

#: glibc's mallopt: give back what is free at the heap's end; take from the system directly.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> None:
    """Let this process reuse what it frees: graphs of hundreds of MiB come and go every step.

    glibc would return them to the system and take them anew, tens of thousands of page faults a
    step. The peak is 1 to 3 % higher; memory in between does not fall. Elsewhere: nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 30)
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)


def in_batches(
    work: Work[Result],
    encoded: EncodedPairs,
    budget: int,
    device: torch.device,
    rank: int = 0,
    world: int = 1,
) -> Iterator[tuple[NDArray[np.int64], Result]]:
    """(rows, `work` of them) over this process's share of the length-sorted batches.

    Where memory runs out, the batch and all after it are cut to half the budget.
    """
    equal = encoded.padding == "none"
    waiting = deque(token_batches(encoded.lengths, budget, equal=equal)[rank::world])
    while waiting:
        rows = waiting.popleft()
        result = none_if_out_of_memory(partial(_work_on, work, encoded, rows, device, budget))
        if result is not None:
            yield rows, result
            continue
        budget = halved(budget, int(encoded.lengths[rows].max()))
        left = np.concatenate([rows, *waiting])
        waiting = deque(
            left[part] for part in token_batches(encoded.lengths[left], budget, equal=equal)
        )


def _work_on(
    work: Work[Result],
    encoded: EncodedPairs,
    rows: NDArray[np.int64],
    device: torch.device,
    budget: int,
) -> Result:
    return work(rows, collate(encoded, rows).to(device), budget)


def none_if_out_of_memory(work: Callable[[], Result]) -> Result | None:
    """What `work` returns, or None where the device's memory did not hold it; its rest is freed."""
    try:
        return work()
    except RuntimeError as error:  # its traceback holds the tensors until the handler is left
        full = isinstance(error, torch.OutOfMemoryError)
        if not full and not any(words in str(error) for words in _FULL):
            raise
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def halved(budget: int, longest: int = 0, note: Callable[[str], None] = say) -> int:
    """Half of `budget`, with a note to the user; NliError where halving no longer helps."""
    if budget <= LEAST_TOKENS:
        raise NliError(
            f"out of memory even with {budget} tokens per pass"
            + (f" (a pair of {longest} tokens)" if longest else ""),
            "free the device's memory, lower max_length, or use --device cpu",
            "memory",
        )
    note(f"out of memory: continuing with {budget // 2} instead of {budget} tokens per pass")
    return budget // 2
