"""Risk-coverage curves: the error rate when a model abstains on its least confident pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nliexplorer.analysis.outputs import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Error rate `risk` [n] among the most confident share `coverage` [n]; `aurc` is its mean."""

    coverage: FloatArray
    risk: FloatArray
    aurc: float

    def thinned(self, points: int = 200) -> dict[str, Any]:
        """At most `points` of the curve, evenly spread, as JSON values."""
        index = np.unique(np.linspace(0, len(self.risk) - 1, points).astype(np.int64))
        return {
            "coverage": self.coverage[index].tolist(),
            "risk": self.risk[index].tolist(),
            "aurc": self.aurc,
        }


def risk_coverage(confidence: FloatArray, correct: BoolArray) -> RiskCoverage:
    """Selective risk by falling confidence (El-Yaniv and Wiener 2010).

    Equal confidences share their errors evenly, so that the order of the rows does not matter.
    """
    _, group = np.unique(-confidence, return_inverse=True)
    sizes = np.bincount(group)
    rate = np.bincount(group, weights=~correct) / sizes
    errors = np.cumsum(np.repeat(rate, sizes))
    count = np.arange(1, confidence.size + 1)
    risk = errors / count
    return RiskCoverage(count / confidence.size, risk, float(risk.mean()))
