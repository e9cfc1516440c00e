"""Benches by the name of the ratio they give; each module of this folder registers its own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

#: A bench returns its ratio; how it is read ("<= 13") stands beside it.
Bench = Callable[[], float]
BENCHES: dict[str, tuple[Bench, str]] = {}


def bench(name: str, reach: str) -> Callable[[Bench], Bench]:
    """Register a bench under the name that `bench.json` gives it."""

    def register(function: Bench) -> Bench:
        BENCHES[name] = (function, reach)
        return function

    return register


def ratio(
    slow: Callable[[], object], fast: Callable[[], object], rounds: int = 5, warm: int = 1
) -> float:
    """median seconds of `slow` / median seconds of `fast`, taken in turns after `warm` unmeasured
    calls of each, so that whatever else the machine does meets both."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + warm):
        for function, kept in zip((slow, fast), times, strict=True):
            start = time.perf_counter()
            function()
            if turn >= warm:
                kept.append(time.perf_counter() - start)
    return statistics.median(times[0]) / statistics.median(times[1])
