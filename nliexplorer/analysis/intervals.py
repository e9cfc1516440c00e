"""Intervals for a proportion and for a mean over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import FloatArray

Z95 = 1.959963984540054  # 97.5 % point of the normal distribution


def wilson(successes: npt.ArrayLike, n: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """95 % Wilson score interval of proportions; (0, 1) where n = 0."""
    k = np.asarray(successes, dtype=np.float64)
    total = np.asarray(n, dtype=np.float64)
    size = np.maximum(total, 1.0)
    z2 = Z95 * Z95
    centre = (k + z2 / 2.0) / (size + z2)
    half = Z95 / (size + z2) * np.sqrt(np.maximum(k * (size - k) / size, 0.0) + z2 / 4.0)
    # exact at the ends, where rounding would leave a proportion just outside its own interval
    low = np.where((total > 0) & (k > 0), np.maximum(centre - half, 0.0), 0.0)
    high = np.where((total > 0) & (k < total), np.minimum(centre + half, 1.0), 1.0)
    return low, high


def mean_t_interval(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and half-width of its 95 % t-interval; half-width None for fewer than two values."""
    data = np.asarray(values, dtype=np.float64)
    if data.size < 2:
        return float(data.mean()), None
    from scipy.special import stdtrit  # slow to import; only comparisons over seeds need it

    half = float(stdtrit(data.size - 1, 0.975)) * float(data.std(ddof=1)) / math.sqrt(data.size)
    return float(data.mean()), half


def newcombe_paired(both: int, only_a: int, only_b: int, neither: int) -> tuple[float, float]:
    """95 % interval of rate b - rate a on the same pairs, from the four cells of their 2×2 table.

    Square-and-add of Wilson's intervals with the correlation corrected for continuity (Newcombe
    1998b, method 10; recommended beside Tango's by Fagerland, Lydersen and Laake 2014). It is the
    more conservative of the two where nearly all pairs agree, as two models' answers do: from 4
    fixed and none broken of 1,500 (exact p = 0.125) Tango's interval excludes zero, this one does
    not.
    """
    n = both + only_a + only_b + neither
    (la, lb), (ha, hb) = wilson([both + only_a, both + only_b], [n, n])
    a, b = (both + only_a) / n, (both + only_b) / n
    cross = float(both * neither - only_a * only_b)
    if cross > 0:
        cross = max(cross - n / 2, 0.0)
    margins = float(both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    phi = cross / math.sqrt(margins) if margins else 0.0

    def reach(x: float, y: float) -> float:
        return math.sqrt(max(x * x - 2.0 * phi * x * y + y * y, 0.0))

    return b - a - reach(b - lb, ha - a), b - a + reach(hb - b, a - la)
