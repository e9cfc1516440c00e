"""The regression line of Fig. 10."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nliexplorer.analysis.outputs import FloatArray


@dataclass(frozen=True, slots=True)
class Line:
    """y = intercept + slope · x, and the share of variance it explains."""

    slope: float
    intercept: float
    r2: float


def fit_line(x: FloatArray, y: FloatArray, weights: FloatArray | None = None) -> Line | None:
    """Least-squares line; None for fewer than three points, or where x or y does not vary."""
    w = np.ones_like(x) if weights is None else weights
    if x.size < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    dx = x - np.average(x, weights=w)
    dy = y - np.average(y, weights=w)
    sxx, sxy, syy = (float((w * a * b).sum()) for a, b in ((dx, dx), (dx, dy), (dy, dy)))
    slope = sxy / sxx
    intercept = float(np.average(y, weights=w) - slope * np.average(x, weights=w))
    return Line(slope, intercept, min(sxy * sxy / (sxx * syy), 1.0))
