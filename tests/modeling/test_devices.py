"""Which device a name means, and what is done where it holds too little."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nliexplorer import processes
from nliexplorer.errors import NliError
from nliexplorer.modeling.devices import resolve_device, training_device
from nliexplorer.modeling.memory import none_if_out_of_memory
from nliexplorer.training.path_penalty import PathPenalty
from tests.tinymodels import tiny_classifier


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Two GPUs, as far as anybody is told."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", ["cuda", "auto"])
def test_a_gpu_has_its_number(gpus: pytest.MonkeyPatch, name: str) -> None:
    """As Trainer's device has: `cuda` was refused, for it is not equal to `cuda:0`."""
    assert resolve_device(name) == torch.device("cuda:0")
    gpus.setenv("LOCAL_RANK", "1")
    assert resolve_device(name) == torch.device("cuda:1")
    gpus.setenv("LOCAL_RANK", "2")  # a third process, where the group is one of gloo
    assert resolve_device(name) == torch.device("cuda:0")


def test_a_number_is_kept_and_one_too_many_refused(gpus: pytest.MonkeyPatch) -> None:
    gpus.setenv("LOCAL_RANK", "0")
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(NliError, match="cuda:2 is not there") as error:
        resolve_device("cuda:2")
    assert "2 GPUs" in error.value.hint


def test_training_takes_its_own_gpu(gpus: pytest.MonkeyPatch) -> None:
    """Told before anything is loaded or written: Trainer would run elsewhere than the model is."""
    assert training_device("cuda:0") == training_device("auto") == torch.device("cuda:0")
    assert training_device("cpu") == torch.device("cpu")
    with pytest.raises(NliError, match="runs on cuda:0, not on cuda:1") as error:
        training_device("cuda:1")
    assert "CUDA_VISIBLE_DEVICES=1" in error.value.hint
    gpus.setenv("LOCAL_RANK", "1")
    assert training_device("cuda:1") == torch.device("cuda:1")


def test_more_processes_than_gpus_are_refused(gpus: pytest.MonkeyPatch) -> None:
    gpus.setenv("WORLD_SIZE", "3")
    gpus.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(NliError, match="3 processes were started for 2 GPUs") as error:
        processes.start()
    assert "--nproc_per_node=2" in error.value.hint
    assert not processes.running()


@pytest.mark.parametrize(
    ("count", "asked_for_cpu", "on_cpu"), [(2, False, False), (2, True, True), (0, False, True)]
)
def test_without_a_gpu_processes_meet_on_the_cpu(
    gpus: pytest.MonkeyPatch, count: int, asked_for_cpu: bool, on_cpu: bool
) -> None:
    """accelerate starts no group at all for `cpu=False` without a GPU: each trained for itself."""
    started: list[bool] = []
    gpus.setattr("accelerate.PartialState", lambda cpu: started.append(cpu))
    gpus.setattr(torch.cuda, "device_count", lambda: count)
    gpus.setenv("WORLD_SIZE", "2")
    gpus.setenv("LOCAL_WORLD_SIZE", "2")
    processes.start(cpu=asked_for_cpu)
    assert started == [on_cpu]


def test_the_penalty_goes_where_the_model_is() -> None:
    """Trainer moves a model to the GPU after a PathPenalty of it was made."""
    stale = replace(tiny_classifier(), device=torch.device("meta"))
    penalty = PathPenalty(stale)
    assert penalty.classifier.device == penalty.stops.device == torch.device("cpu")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_every_library_says_it_in_its_own_way(error: Exception) -> None:
    assert none_if_out_of_memory(lambda: _raised(error)) is None


def test_other_errors_are_no_lack_of_memory() -> None:
    with pytest.raises(RuntimeError, match="illegal memory access"):
        none_if_out_of_memory(lambda: _raised(RuntimeError("CUDA error: an illegal memory access")))


def _raised(error: Exception) -> None:
    raise error
