"""How long `nliexplorer compare` takes from a cold start, database, imports and all.

`python -m tests.bench compare-dev compare-train`; or `python -m tests.bench.analysis_bench
[PAIRS ...]` for one JSON line a size.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.registry import bench
from tests.bench.store_bench import build

DEV, TRAIN = 9_842, 549_367
LIMITS = {DEV: (2.0, 2.0), TRAIN: (30.0, 2.0)}  # seconds, GiB
_ROUNDS = {DEV: 5, TRAIN: 1}

# ru_maxrss of children is that of the largest one: there is only one. KiB on Linux.
_SCRIPT = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], check=True, capture_output=True, text=True)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
result = json.loads(done.stdout)
print(json.dumps({
    "pairs": result["n"], "resamples": result["resamples"], "seconds": seconds,
    "cpu_seconds": used.ru_utime + used.ru_stime, "peak_gib": used.ru_maxrss / 2**20,
}))
"""
_TORCH = (
    "import sys; from nliexplorer.cli import app; "
    "app(sys.argv[1:], standalone_mode=False); "
    "sys.exit(f'torch was imported' if 'torch' in sys.modules else 0)"
)


def measure(pairs: int) -> dict[str, Any]:
    """The fastest of a few cold starts, with the peak memory, of comparing two stored runs."""
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "runs.db"
        build(db, 2, pairs)
        words = ["compare", "run-0", "run-1", "--json", "--db", str(db)]
        subprocess.run([sys.executable, "-c", _TORCH, *words], check=True, capture_output=True)
        command = [sys.executable, "-c", _SCRIPT, sys.executable, "-m", "nliexplorer", *words]
        taken = [
            json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for _ in range(_ROUNDS.get(pairs, 1))
        ]
    best: dict[str, Any] = min(taken, key=lambda result: result["seconds"])
    seconds, gib = LIMITS.get(pairs, (None, None))
    return best | {"limit_seconds": seconds, "limit_gib": gib}


def _part_of_limits(pairs: int) -> float:
    result = measure(pairs)
    return max(
        result["seconds"] / result["limit_seconds"], result["peak_gib"] / result["limit_gib"]
    )


@bench("compare-dev", "<= 1 (of 2 s)")
def compare_dev() -> float:
    """Two runs of 9,842 pairs."""
    return _part_of_limits(DEV)


@bench("compare-train", "<= 1 (of 30 s and 2 GiB)")
def compare_train() -> float:
    """Two runs of 549,367 pairs."""
    return _part_of_limits(TRAIN)


def main(sizes: list[int]) -> None:
    for pairs in sizes or LIMITS:
        print(json.dumps(measure(pairs)), flush=True)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
