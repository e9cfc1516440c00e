"""How long an update takes, by what is penalised how: seconds, and ratios to the baseline."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.bench.gpu.context import Measurements, Setup
from tests.bench.steps import BASELINE, EXACT, PublishedStep, Stepper, settings

#: `exact, wide` keeps the graphs of all nodes at once, whatever the batch.
KINDS: dict[str, dict[str, Any]] = {
    "baseline": BASELINE,
    "sampled": {**EXACT, "ig_estimator": "sampled", "ig_gradient_steps": 2},
    "pairs": {**EXACT, "ig_estimator": "pairs", "ig_steps": 2},
    "exact": EXACT,
    "exact, wide": {**EXACT, "path_tokens": 1 << 20},
}
PRECISIONS = ("bf16", "fp32")


def measurements(setup: Setup) -> Measurements:
    taken: dict[tuple[str, int, str], float] = {}
    named: Measurements = {}
    for precision in PRECISIONS:
        for size in setup.batch_sizes:
            for kind in KINDS:
                key = (kind, size, precision)
                named[" ".join(map(str, key))] = partial(_own, setup, key, taken)
    for size in setup.batch_sizes:  # as its authors had it
        key = ("published", size, "fp32")
        named[" ".join(map(str, key))] = partial(_published, setup, key, taken)
    return {**named, "ratios": lambda: ratios(taken)}


def _own(
    setup: Setup, key: tuple[str, int, str], taken: dict[tuple[str, int, str], float]
) -> dict[str, Any]:
    kind, size, precision = key
    config = settings(**KINDS[kind], batch_size=size, device=setup.device, precision=precision)
    return _timed(setup, key, Stepper(config, classifier=setup.electra), taken)


def _published(
    setup: Setup, key: tuple[str, int, str], taken: dict[tuple[str, int, str], float]
) -> dict[str, Any]:
    step = PublishedStep(size=key[1], device=setup.device, classifier=setup.electra)
    return _timed(setup, key, step, taken)


def _timed(
    setup: Setup,
    key: tuple[str, int, str],
    step: Stepper | PublishedStep,
    taken: dict[tuple[str, int, str], float],
) -> dict[str, Any]:
    taken[key] = setup.seconds(step, rounds=15, most=1.5)
    schedule = step.trainer.schedule if isinstance(step, Stepper) else None
    return {
        "seconds": taken[key],
        "peak_mib": setup.peak_mib(),
        # less than was configured where memory ran out
        "path_tokens": schedule.penalty.config.path_tokens if schedule else None,
    }


def ratios(taken: dict[tuple[str, int, str], float]) -> dict[str, float]:
    """Seconds / those of the baseline's update of the same batch and precision."""
    return {
        f"{kind} {size} {precision}": seconds / base
        for (kind, size, precision), seconds in taken.items()
        if (base := taken.get(("baseline", size, precision))) and kind != "baseline"
    }
