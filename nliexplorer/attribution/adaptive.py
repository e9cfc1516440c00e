"""Integrated Gradients with as many nodes as each pair needs to add up."""

from __future__ import annotations

import torch
from torch import Tensor

from nliexplorer.attribution.integrated_gradients import Forward, Path, integrated_gradients
from nliexplorer.attribution.quadrature import Nodes, fejer

#: Nodes tried one after the other; each set contains the one before it.
LEVELS = (7, 15, 31, 63, 127)
#: |sum of scores - rise of the logit|, as a part of that rise, at which a pair is done.
TOLERANCE = 0.02


def adaptive_scores(
    forward: Forward,
    path: Path,
    rise: Tensor,
    *,
    tolerance: float = TOLERANCE,
    chunk_tokens: int = 1024,
) -> tuple[Tensor, Tensor]:
    """(scores [B, T], nodes that each pair took [B]), without graph.

    `rise` [B] is F(input) - F(baseline), which a pair's scores sum to where there are nodes enough
    (completeness, Sundararajan et al. 2017, proposition 1). A pair whose sum misses it by more than
    `tolerance` of it gets the nodes between those it had, and keeps what was computed at those.
    """
    pairs, width, _ = path.inputs.shape
    scores = path.inputs.new_zeros(pairs, width)
    taken = torch.zeros(pairs, dtype=torch.long, device=scores.device)
    at_nodes = scores.new_zeros(0, pairs, width)  # of all nodes so far, in their order
    incomplete = torch.ones_like(taken, dtype=torch.bool)
    for level in LEVELS:
        rule = fejer(level)
        new = rule.positions if not len(at_nodes) else rule.positions[::2]
        fresh = integrated_gradients(
            forward,
            path,
            Nodes(new, incomplete.double().cpu().expand(len(new), -1)),  # weight 0: left out
            samples=len(new),
            chunk_tokens=chunk_tokens,
        )
        at_nodes = fresh if not len(at_nodes) else _alternate(fresh, at_nodes)
        sums = torch.einsum("k,kbt->bt", rule.weights.to(scores), at_nodes)
        scores = torch.where(incomplete[:, None], sums, scores)
        taken = taken.masked_fill(incomplete, level)
        incomplete = (scores.sum(-1) - rise).abs() > tolerance * rise.abs()
        if not incomplete.any():
            break
    return scores, taken


def _alternate(outer: Tensor, inner: Tensor) -> Tensor:
    """[k + 1, ...] and [k, ...] to [2 k + 1, ...], an outer one first and last."""
    both = outer.new_empty(len(outer) + len(inner), *outer.shape[1:])
    both[::2], both[1::2] = outer, inner
    return both
