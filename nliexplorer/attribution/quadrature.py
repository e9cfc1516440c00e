"""Nodes and weights on the path from baseline (0) to input (1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nliexplorer.errors import unknown_name

RULES = ("gauss-legendre", "midpoint", "trapezoid")


@dataclass(frozen=True, slots=True)
class Nodes:
    """Positions on [0, 1] and weights that sum to 1: [K], or [K, B] with its own for each pair."""

    positions: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return int(self.positions.shape[0])


def nodes(rule: str, steps: int) -> Nodes:
    """`steps` nodes of a rule, float64. Trapezoid and midpoint are Captum's `riemann_*` methods."""
    if rule == "gauss-legendre":
        positions, weights = np.polynomial.legendre.leggauss(steps)
        positions, weights = (positions + 1) / 2, weights / 2
    elif rule == "midpoint":
        positions = (np.arange(steps) + 0.5) / steps
        weights = np.full(steps, 1 / steps)
    elif rule == "trapezoid":
        positions = np.linspace(0, 1, steps)
        weights = np.full(steps, 1 / max(1, steps - 1))
        weights[[0, -1]] /= 2
        if steps == 1:  # no interval to speak of: the input's own gradient
            positions, weights = np.ones(1), np.ones(1)
    else:
        raise unknown_name("quadrature rule", rule, RULES)
    return Nodes(torch.from_numpy(positions.copy()), torch.from_numpy(weights.copy()))


def stratified(pairs: int, strata: int, generator: torch.Generator) -> Nodes:
    """One uniform draw in each of `strata` equal parts of the path, afresh for each pair: [K, B].

    The mean over such draws is unbiased for the integral, whatever the integrand.
    """
    offsets = torch.rand(strata, pairs, generator=generator, dtype=torch.float64)
    positions = (torch.arange(strata, dtype=torch.float64)[:, None] + offsets) / strata
    return Nodes(positions, torch.full_like(positions, 1 / strata))


def shifted(rule: Nodes, pairs: int, generator: torch.Generator) -> Nodes:
    """The rule with its nodes moved by one random number a pair: [K, B].

    Node k goes to the same random part of each cell [w_1 + … + w_(k-1), w_1 + … + w_k] (as in
    Cranley & Patterson 1976). The mean over draws is the integral, whatever the integrand.
    """
    starts = rule.weights.cumsum(0) - rule.weights
    parts = torch.rand(pairs, generator=generator, dtype=torch.float64)
    positions = starts[:, None] + rule.weights[:, None] * parts
    return Nodes(positions, rule.weights[:, None].expand_as(positions))
