"""Decomposition of the Brier score into reliability, resolution and uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nliexplorer.analysis.metrics import BINS, bin_index
from nliexplorer.analysis.outputs import FloatArray, Outputs


@dataclass(frozen=True, slots=True)
class BrierParts:
    """Brier = reliability - resolution + uncertainty + within_variance - within_covariance.

    Murphy (1973) has the first three; the last two (Stephenson, Coelho and Jolliffe 2008) are what
    is lost by binning, and make the sum exact. Each is summed over classes.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_variance: float
    within_covariance: float

    @property
    def total(self) -> float:
        return (
            self.reliability
            - self.resolution
            + self.uncertainty
            + self.within_variance
            - self.within_covariance
        )

    def as_dict(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def brier_decomposition(outputs: Outputs, bins: int = BINS) -> BrierParts:
    """Parts of the Brier score of `outputs`, in equal-width bins of each class's probability."""
    p = outputs.p
    assert p is not None
    parts = np.zeros(5)
    for column in range(p.shape[1]):
        hit = (outputs.target == column).astype(np.float64)
        parts += _one_class(np.minimum(p[:, column], 1.0), hit, bins)
    return BrierParts(*(float(part) for part in parts))


def _one_class(p: FloatArray, hit: FloatArray, bins: int) -> FloatArray:
    index = bin_index(p, bins)
    n = np.maximum(np.bincount(index, minlength=bins), 1)
    mean_p = np.bincount(index, weights=p, minlength=bins) / n
    mean_hit = np.bincount(index, weights=hit, minlength=bins) / n
    base = hit.mean()
    dp, dh = p - mean_p[index], hit - mean_hit[index]
    return np.array(
        [
            ((mean_p - mean_hit)[index] ** 2).mean(),
            ((mean_hit - base)[index] ** 2).mean(),
            base * (1.0 - base),
            (dp**2).mean(),
            2.0 * (dp * dh).mean(),
        ]
    )
