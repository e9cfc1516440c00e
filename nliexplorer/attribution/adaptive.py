"""Integrated Gradients with as many nodes as each pair needs to add up."""

from __future__ import annotations

import torch
from torch import Tensor

from nliexplorer.attribution.integrated_gradients import Forward, Path, integrated_gradients
from nliexplorer.attribution.quadrature import Nodes, nodes

#: Nodes of the midpoint rule tried one after the other: every third of a level is one of the level
#: before. Along sharp paths equal distances serve better than Gauss-Legendre's, which are wider in
#: the middle.
LEVELS = (7, 21, 63, 189)
#: |sum of scores - rise of the logit|, as a part of that rise, at which a pair is done.
TOLERANCE = 0.05


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
        rule = nodes("midpoint", level)
        new = torch.ones(level, dtype=torch.bool)
        if len(at_nodes):
            new[1::3] = False
        fresh = integrated_gradients(
            forward,
            path,
            Nodes(rule.positions[new], incomplete.double().cpu().expand(int(new.sum()), -1)),
            samples=int(new.sum()),  # each node's own scores; a weight of 0 leaves a pair out
            chunk_tokens=chunk_tokens,
        )
        both = fresh.new_empty(level, pairs, width)
        both[new], both[~new] = fresh, at_nodes
        at_nodes, sums = both, both.mean(0)
        scores = torch.where(incomplete[:, None], sums, scores)
        taken = taken.masked_fill(incomplete, level)
        incomplete = (scores.sum(-1) - rise).abs() > tolerance * rise.abs()
        if not incomplete.any():
            break
    return scores, taken
