"""How long `compare` takes: `python -m tests.bench.analysis_bench [PAIRS ...]`, one JSON line each.

Each size runs in a fresh interpreter, so that imports count, as they do for a user.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

SIZES = (9_842, 549_367)
LIMITS = {9_842: (2.0, None), 549_367: (30.0, 2.0)}  # seconds, GiB

_SCRIPT = """
import json, resource, sys, time
start = time.perf_counter()
import numpy as np
from nliexplorer.analysis.outputs import outputs
from nliexplorer.analysis.significance import compare
imported = time.perf_counter() - start
n = int(sys.argv[1])
rng = np.random.default_rng(0)
gold = rng.integers(0, 3, n)
logits = rng.normal(size=(n, 3))
logits[np.arange(n), gold] += 2
noisy = [logits + rng.normal(size=(n, 3)) / 2 for _ in range(2)]
start = time.perf_counter()
found = compare(*(outputs(gold, logits=each) for each in noisy))
seconds = time.perf_counter() - start
print(json.dumps({
    "pairs": n, "import_seconds": imported, "compare_seconds": seconds,
    "seconds": imported + seconds, "cpu_seconds": time.process_time(), "resamples": found.resamples,
    "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    "torch": "torch" in sys.modules, "scipy_stats": "scipy.stats" in sys.modules,
}))
"""


def measure(pairs: int) -> dict[str, Any]:
    """Seconds and peak memory (Linux: KiB in ru_maxrss) of comparing two runs of `pairs` pairs."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(pairs)], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    seconds, gib = LIMITS.get(pairs, (None, None))
    return found | {"limit_seconds": seconds, "limit_gib": gib}


def main(sizes: list[int]) -> None:
    for pairs in sizes or SIZES:
        print(json.dumps(measure(pairs)))


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
