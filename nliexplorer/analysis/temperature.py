"""Temperature scaling (Guo et al. 2017): fitted on one half, judged on the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from nliexplorer.analysis.metrics import brier_each, expected_calibration_error, nll_each
from nliexplorer.analysis.outputs import IntArray, Outputs, log_softmax, merge_labels

RANGE = (0.02, 50.0)


@dataclass(frozen=True, slots=True)
class Temperature:
    """All None where no temperature is determined: under four pairs, or an optimum at no finite T.

    `*_before` and `*_after` are of the half that the temperature was not fitted on.
    """

    temperature: float | None = None
    ece_before: float | None = None
    nll_before: float | None = None
    ece_after: float | None = None
    nll_after: float | None = None
    brier_before: float | None = None
    brier_after: float | None = None


def fit_temperature(outputs: Outputs) -> Temperature:
    """The T that minimises NLL of softmax(logits / T) on a fixed random half of the pairs."""
    if outputs.scores is None or outputs.n < 4:
        return Temperature()
    fitted, held = halves(outputs.n)
    fit, test = outputs.take(fitted), outputs.take(held)
    temperature = _best(fit, outputs.two_label)
    if temperature is None:
        return Temperature()
    after = at_temperature(test, temperature, outputs.two_label)
    return Temperature(
        temperature,
        expected_calibration_error(test),
        float(nll_each(test).mean()),
        expected_calibration_error(after),
        float(nll_each(after).mean()),
        float(brier_each(test).mean()),
        float(brier_each(after).mean()),
    )


def halves(n: int) -> tuple[IntArray, IntArray]:
    """Two disjoint halves of 0 … n-1, the same at every call, in rising order."""
    order = np.random.default_rng(0).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def at_temperature(outputs: Outputs, temperature: float, two_label: bool) -> Outputs:
    """The same pairs with softmax(logits / T); decisions do not change."""
    assert outputs.scores is not None
    scores = outputs.scores / temperature
    log_p = log_softmax(scores)
    if two_label:
        log_p = merge_labels(log_p)
    return replace(outputs, p=np.exp(log_p), log_p=log_p, scores=scores)


def _best(fit: Outputs, two_label: bool) -> float | None:
    from scipy.optimize import minimize_scalar  # slow to import; `compare` does without it

    def loss(log_t: float) -> float:
        return float(nll_each(at_temperature(fit, math.exp(log_t), two_label)).mean())

    low, high = math.log(RANGE[0]), math.log(RANGE[1])
    optimum = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-7})
    best = float(optimum.x)
    # every pair right (or none better than chance): the optimum runs away, and T means nothing
    if min(loss(low), loss(high)) <= optimum.fun + 1e-9:
        return None
    return math.exp(best)
