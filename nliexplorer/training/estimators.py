"""How V and its parameter gradient are estimated from points on the path: one entry each.

Operations per pair in forward passes F: the exact gradient of a node costs 6 F (forward, backward
and both again in the double backward), its scores alone 2 F.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from nliexplorer.attribution.integrated_gradients import (
    Forward,
    GradientMode,
    Path,
    integrated_gradients,
    score_chunks,
)
from nliexplorer.attribution.quadrature import Nodes, nodes, shifted, stratified
from nliexplorer.errors import unknown_name

Gradients = list[Tensor | None]

#: Uniform part of the drawing probability: no node's weight exceeds 5 times its plain one.
_UNIFORM = 0.2


@dataclass(frozen=True, slots=True)
class PathTask:
    """One micro-batch's path and what is to be done with its scores."""

    forward: Forward
    path: Path
    values: Callable[[Tensor], Tensor]  # scores [samples, B, T] to the penalty of each pair [B]
    parameters: Sequence[nn.Parameter]
    mode: GradientMode
    rule: str
    steps: int
    gradient_steps: int
    scale: float  # of the sum over pairs: more than 1 where they stand for more
    gradient_scale: float  # of the gradient alone: a loss scaler's
    path_tokens: int  # tokens whose graphs may be alive at once
    chunk_tokens: int  # tokens of one pass
    generator: torch.Generator

    @property
    def pairs(self) -> int:
        return int(self.path.inputs.shape[0])


@dataclass(frozen=True, slots=True)
class Estimate:
    """`total` is the scaled sum of the pairs' penalties, `scores` [samples, B, T]; detached."""

    total: Tensor
    gradients: Gradients
    scores: Tensor


def quadrature(task: PathTask) -> Estimate:
    """All nodes, value and gradient: 6 K F; in two passes (8 K F) where memory is short."""
    return _differentiate(task, nodes(task.rule, task.steps), 1)


def pairs(task: PathTask) -> Estimate:
    """Two independent stratified samples through the penalty's bilinear form: 12 K F.

    The value and its gradient are unbiased for the integral, not only for a quadrature of it.
    """
    draws = [stratified(task.pairs, task.steps, task.generator) for _ in range(2)]
    both = Nodes(
        torch.cat([draw.positions for draw in draws]), torch.cat([draw.weights for draw in draws])
    )
    return _differentiate(task, both, 2)


def sampled(task: PathTask) -> Estimate:
    """The value from K nodes, the gradient from m of them a pair: (2 K + 6 m) F.

    The nodes are shifted at random for each pair, so that over updates they miss nothing that
    fixed ones would lie beside. Given the scores of all nodes, the penalty's slope u = dV/da is a
    constant and the parameter gradient a sum over nodes of w_k d/dtheta <u (e - e0), dF/de_k>.
    Terms drawn with probability pi_k and weighted by 1 / pi_k estimate it without bias (Horvitz &
    Thompson 1952), whatever the penalty. With m = K every pi_k is 1.
    """
    rule = shifted(nodes(task.rule, task.steps), task.pairs, task.generator)
    fixed = replace(task.path, inputs=task.path.inputs.detach())
    of_nodes = integrated_gradients(
        task.forward, fixed, rule, samples=len(rule), chunk_tokens=task.chunk_tokens
    )
    scores = of_nodes.sum(0, keepdim=True).requires_grad_()
    total, slope = _slope(task, scores)
    terms = (of_nodes * slope).sum(-1).abs()
    inverse_probabilities = draw_nodes(terms, task.gradient_steps, task.generator)
    drawn = Nodes(rule.positions, rule.weights * inverse_probabilities)
    return Estimate(total.detach(), _second_pass(task, drawn, 1, slope), scores.detach())


def draw_nodes(terms: Tensor, steps: int, generator: torch.Generator) -> Tensor:
    """1 / pi for each node drawn, 0 for the others: [K, B], float64, on the CPU.

    `terms` [K, B] are the sizes of the nodes' shares of <u, a>. `steps` nodes a pair are drawn from
    the whole batch with probability pi in proportion to them, a fifth of it uniform: pairs whose
    penalty is steep get more. The draw is systematic (one uniform number, equal steps along the
    cumulated probabilities, pair by pair), so that a pair's nodes are spread along its path.
    """
    size = terms.detach().double().cpu().T.reshape(-1)
    total = float(size.sum())
    share = size / total if total > 0 else torch.zeros_like(size)
    chance = (1 - _UNIFORM) * share + (_UNIFORM if total > 0 else 1.0) / len(size)
    inclusion = _inclusion(chance, min(steps * terms.shape[1], len(size)))
    edges = inclusion.cumsum(0) + torch.rand(1, generator=generator, dtype=torch.float64)
    before = torch.cat([edges[:1] - inclusion[:1], edges[:-1]])
    drawn = (edges.floor() > before.floor()) | (inclusion >= 1)
    return torch.where(drawn, 1 / inclusion, 0.0).reshape(terms.shape[1], -1).T


def _inclusion(chance: Tensor, count: int) -> Tensor:
    """Probabilities proportional to `chance`, none above 1, that sum to `count`."""
    certain = torch.zeros_like(chance, dtype=torch.bool)
    while True:
        left = count - int(certain.sum())
        rest = chance.masked_fill(certain, 0.0)
        inclusion = torch.where(certain, 1.0, left * rest / rest.sum().clamp(min=1e-300))
        above = (inclusion >= 1 - 1e-12) & ~certain
        if not above.any():
            return inclusion
        certain |= above


def _differentiate(task: PathTask, rule: Nodes, samples: int) -> Estimate:
    """In one graph where it fits; else one chunk's graph at a time, for a third more work."""
    tokens = task.pairs * task.path.inputs.shape[1] * len(rule)
    if task.mode == "exact" and tokens > task.path_tokens:
        fixed = replace(task.path, inputs=task.path.inputs.detach())
        scores = integrated_gradients(
            task.forward, fixed, rule, samples=samples, chunk_tokens=task.chunk_tokens
        ).requires_grad_()
        total, slope = _slope(task, scores)
        in_chunks = _second_pass(task, rule, samples, slope)
        return Estimate(total.detach(), in_chunks, scores.detach())
    scores = integrated_gradients(
        task.forward,
        task.path,
        rule,
        mode=task.mode,
        samples=samples,
        chunk_tokens=task.chunk_tokens,
    )
    total = task.values(scores).sum() * task.scale
    gradients = torch.autograd.grad(total * task.gradient_scale, task.parameters, allow_unused=True)
    return Estimate(total.detach(), list(gradients), scores.detach())


def _slope(task: PathTask, scores: Tensor) -> tuple[Tensor, Tensor]:
    """(V summed over pairs, its derivative by the scores), both scaled."""
    total = task.values(scores).sum() * task.scale
    (slope,) = torch.autograd.grad(total * task.gradient_scale, scores)
    return total, slope


def _second_pass(task: PathTask, rule: Nodes, samples: int, slope: Tensor) -> Gradients:
    """The parameter gradient of <slope, scores>, one chunk's graph alive at a time."""
    flat = slope.view(-1, slope.shape[-1])
    leaf = task.path.inputs.detach().requires_grad_()
    sums: Gradients = [None] * len(task.parameters)
    at_leaf = torch.zeros_like(leaf)
    for slots, values in score_chunks(
        task.forward, replace(task.path, inputs=leaf), rule, "exact", samples, task.chunk_tokens
    ):
        gradients = torch.autograd.grad(
            (values * flat[slots]).sum(), [leaf, *task.parameters], allow_unused=True
        )
        at_leaf += gradients[0]
        sums = add_gradients(sums, gradients[1:])
    if not task.path.inputs.requires_grad:  # a frozen embedding table
        return sums
    rest = torch.autograd.grad(task.path.inputs, task.parameters, at_leaf, allow_unused=True)
    return add_gradients(sums, rest)


def add_gradients(sums: Gradients, more: Sequence[Tensor | None]) -> Gradients:
    """Elementwise sum, in place where possible; None is zero."""
    return [
        new if old is None else old if new is None else old.add_(new)
        for old, new in zip(sums, more, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Estimator:
    """An entry of the registry; its line for help and docs is `config.ESTIMATORS[name]`."""

    estimate: Callable[[PathTask], Estimate]
    default_steps: int
    random_value: bool = False  # V itself differs from draw to draw


_REGISTRY = {
    "quadrature": Estimator(quadrature, 10),
    "sampled": Estimator(sampled, 10),
    "pairs": Estimator(pairs, 2, random_value=True),
}


def get_estimator(name: str) -> Estimator:
    """The estimator of that name; the error of an unknown one lists what there is."""
    if name not in _REGISTRY:
        raise unknown_name("estimator", name, tuple(_REGISTRY))
    return _REGISTRY[name]
