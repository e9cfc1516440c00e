"""Collectives of a distributed run; no-ops in a single process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeVar, cast

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from nliexplorer.errors import NliError

T = TypeVar("T")


def start(cpu: bool = False) -> None:
    """Join the process group where a launcher (torchrun, accelerate) started several processes.

    Call once, before anything that asks for `is_main`; without a launcher it does nothing. On CPUs,
    or where there is no GPU, they communicate by gloo; on GPUs by NCCL, which takes one process per
    GPU: NliError where there are more. A group that is there already is kept.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not running():
        from accelerate import PartialState

        gpus = torch.cuda.device_count()
        here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        if gpus and here > gpus and not cpu:
            raise NliError(
                f"{here} processes were started for {gpus} GPU{'s' * (gpus > 1)}",
                f"start one per GPU (torchrun --nproc_per_node={gpus}), or add --device cpu",
            )
        PartialState(cpu=cpu or not gpus)


def stop() -> None:
    """Leave the process group, as the last thing of a program in which all went well.

    The threads of gloo abort a process that ends inside a group. After a failure the others may be
    waiting in a collective; then the launcher ends them.
    """
    if running():
        dist.destroy_process_group()


def running() -> bool:
    return dist.is_available() and dist.is_initialized()


def backend() -> str | None:
    """The backend the processes communicate by; None for a single process."""
    return str(dist.get_backend()) if running() else None


def rank_and_world() -> tuple[int, int]:
    """(this process's number, how many there are)."""
    if running():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def is_main() -> bool:
    """Whether this process writes the database and prints messages."""
    return rank_and_world()[0] == 0


def all_reduce(value: Tensor) -> Tensor:
    """Sum of a tensor over processes, detached; the same tensor where there is only one."""
    value = value.detach()
    if running():
        value = value.clone()
        dist.all_reduce(value)
    return value


def sum_arrays(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of an array over processes: joins shares that are zero where another did the work."""
    if not running():
        return array
    device = "cuda" if backend() == "nccl" else "cpu"
    return np.asarray(all_reduce(torch.from_numpy(array).to(device)).cpu().numpy())


def gather_lists(items: Sequence[T]) -> list[T]:
    """Every process's items, one list after the other, at every process."""
    if not running():
        return list(items)
    shares: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(shares, list(items))
    return [item for share in shares for item in share]


def barrier() -> None:
    """Wait for every process."""
    if running():
        dist.barrier()


def broadcast(value: T) -> T:
    """The main process's value, at every process. Every process must call it."""
    if not running():
        return value
    box = [value if is_main() else None]
    dist.broadcast_object_list(box, src=0)
    return cast(T, box[0])
