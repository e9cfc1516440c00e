"""Real predictions and made-up ones for the analysis tests."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import Outputs, outputs
from nliexplorer.analysis.significance import Comparison, compare_to_first
from tests.realdata import real_data

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def reference(name: str) -> tuple[Ints, Floats]:
    """Gold labels and logits of a reference prediction file."""
    with real_data("reference_predictions", f"{name}.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return np.array([r["label"] for r in rows]), np.array([r["predicted_scores"] for r in rows])


def simulated(n: int, seed: int = 0, sharpness: float = 2.0) -> tuple[Ints, Floats]:
    """Gold labels and logits that favour them."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, n)
    logits = rng.normal(size=(n, 3))
    logits[np.arange(n), gold] += sharpness
    return gold, logits


def simulated_pair(n: int, seed: int = 0) -> tuple[Outputs, Outputs]:
    """Two correlated models on the same pairs."""
    gold, shared = simulated(n, seed)
    rng = np.random.default_rng(seed + 1)
    noisy = [shared + rng.normal(size=shared.shape) * scale for scale in (1.0, 0.6)]
    return outputs(gold, logits=noisy[0]), outputs(gold, logits=noisy[1])


def compare(
    a: Outputs, b: Outputs, names: tuple[str, str] = ("a", "b"), **options: Any
) -> Comparison:
    """b against a."""
    (comparison,) = compare_to_first((a, b), names=names, **options)
    return comparison
