"""What a penalised update spends its time on: the ten costliest kernels."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from nliexplorer.config import TrainConfig, load_config
from tests.bench.gpu.context import Measurements, Setup
from tests.bench.steps import EXACT, Stepper, settings

_ROUNDS = 3


def measurements(setup: Setup) -> Measurements:
    size = setup.batch_sizes[0]
    recipe = replace(load_config("snli"), objective="ig-variance", device=setup.device)
    exact = settings(**EXACT, device=setup.device, precision="auto")
    return {
        "--preset snli": partial(_costliest, setup, replace(recipe, batch_size=size)),
        "exact": partial(_costliest, setup, replace(exact, batch_size=size)),
    }


def _costliest(setup: Setup, config: TrainConfig) -> dict[str, Any]:
    """Milliseconds an update of each kernel (of a CPU: operator), and how busy the device is."""
    step = Stepper(config, classifier=setup.electra)
    step()
    on_gpu = setup.torch_device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    setup.synchronize()
    with profile(activities=activities) as profiler:
        start = time.perf_counter()
        for _ in range(_ROUNDS):
            step()
        setup.synchronize()
        wall = time.perf_counter() - start
    events = profiler.key_averages()
    if on_gpu:  # annotations, such as the optimiser's, span the kernels that they name
        events = [
            each
            for each in events
            if each.device_type == DeviceType.CUDA
            and not each.key.startswith(("Optimizer.", "ProfilerStep"))
        ]
        cost = {each.key: each.self_device_time_total for each in events}
    else:
        cost = {each.key: each.self_cpu_time_total for each in events}
    calls = {each.key: each.count for each in events}
    most = sorted(cost, key=lambda name: -cost[name])[:10]
    return {
        "milliseconds_an_update": wall * 1e3 / _ROUNDS,
        "part_of_it_busy": sum(cost.values()) / 1e6 / wall,
        "kernels_an_update": sum(calls.values()) / _ROUNDS,
        "costliest": [
            {
                "name": name[:120],
                "milliseconds": cost[name] / 1e3 / _ROUNDS,
                "calls": calls[name] / _ROUNDS,
            }
            for name in most
        ],
    }
