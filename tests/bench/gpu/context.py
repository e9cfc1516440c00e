"""What every section is given: device, models, sizes, and how to time there."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from nliexplorer.errors import NliError
from nliexplorer.modeling.devices import resolve_device
from nliexplorer.modeling.load import Classifier, load_classifier
from tests.bench.models import electra_small, snli_like

#: Measurements of a section by name; each gives what goes into the JSON.
Measurements = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Setup:
    """`small` asks for toy sizes, to rehearse; `model` names a folder with real weights."""

    device: str
    small: bool = False
    model: str = ""

    @property
    def torch_device(self) -> torch.device:
        return resolve_device(self.device)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        return (2,) if self.small else (16, 32, 128)

    @property
    def dev_pairs(self) -> int:
        return 12 if self.small else 9_842

    @property
    def steps(self) -> tuple[int, ...]:
        """Nodes of an attribution."""
        return (3,) if self.small else (10, 50)

    @property
    def updates(self) -> int:
        """Updates that an epoch is extrapolated from, after as many tenths unmeasured."""
        return 4 if self.small else 200

    @property
    def electra(self) -> Classifier:
        """ELECTRA-small's configuration with random weights, on the CPU: what is timed."""
        return electra_small(small=self.small)

    @cached_property
    def trained(self) -> Classifier | None:
        """A model with real weights on the CPU, where there is one; the head is random."""
        if self.small and not self.model:
            return None
        try:
            classifier = load_classifier(self.model or "minilm", device="cpu", fresh_head=True)
        except NliError:
            if self.model:
                raise
            return None
        if not classifier.traits.token_types or classifier.embeddings.num_embeddings < 30_000:
            raise NliError(
                f"{self.model} does not take BERT's tokens", "name a model such as MiniLM"
            )
        return classifier

    def synchronize(self) -> None:
        if self.torch_device.type == "cuda":
            torch.cuda.synchronize(self.torch_device)

    def free(self) -> None:
        """Give back what the last measurement held: trainers are cycles of references."""
        gc.collect()
        if self.torch_device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.torch_device)

    def peak_mib(self) -> float | None:
        """Most memory in use since `free`; None on a CPU."""
        if self.torch_device.type != "cuda":
            return None
        return round(torch.cuda.max_memory_allocated(self.torch_device) / 2**20, 1)

    def seconds(
        self, work: Callable[[], object], rounds: int = 9, most: float = 2.0, warm: int = 3
    ) -> float:
        """Median seconds of a call that the device has finished, after `warm` unmeasured ones.

        No more than `rounds`, and none begun after `most` seconds.
        """
        if self.small:
            rounds, warm = 1, 1
        taken: list[float] = []
        for _ in range(warm):
            work()
        self.synchronize()
        began = time.perf_counter()
        while len(taken) < rounds and (not taken or time.perf_counter() - began < most):
            start = time.perf_counter()
            work()
            self.synchronize()
            taken.append(time.perf_counter() - start)
        return statistics.median(taken)

    def prepare(self) -> None:
        """Make what the measurements share, before the clock of any of them runs.

        Raises NliError where there is no such device or model.
        """
        snli_like(self.dev_pairs)
        _ = self.electra, self.trained
        torch.zeros(1, device=self.torch_device)
