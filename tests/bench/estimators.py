"""Which estimator of the penalty's gradient? Cosines to 50 nodes, by operations.

    python -m tests.bench.estimators CHECKPOINT DATA [BATCHES]

Each node's gradient is taken once and sketched (random signs, summed into 16,384 buckets, which
keeps cosines to 0.01); hundreds of draws then cost nothing. `pairs` is drawn for real.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from nliexplorer.attribution.integrated_gradients import integrated_gradients
from nliexplorer.attribution.quadrature import Nodes, nodes
from nliexplorer.config import PathPenaltyConfig
from nliexplorer.data.sources import load_split
from nliexplorer.modeling.load import load_classifier
from nliexplorer.training.dataset import TrainSet, tokenise
from nliexplorer.training.estimators import _second_pass, _slope, draw_nodes
from nliexplorer.training.path_penalty import PathPenalty

BUCKETS, PAIRS, DRAWS, REFERENCE = 16_384, 8, 320, 50
#: terms [K, B], nodes a pair, generator -> multiplier of each node's gradient [K, B]
Draw = Callable[[Tensor, int, torch.Generator], Tensor]


def by_pair(terms: Tensor, steps: int, generator: torch.Generator) -> Tensor:
    """By importance with replacement, `steps` nodes for each pair; a fifth uniform."""
    share = terms / terms.sum(0).clamp(min=1e-30)
    chance = (0.8 * share + 0.2 / len(terms)).T.double()
    drawn = torch.multinomial(chance, steps, replacement=True, generator=generator)
    counts = torch.zeros_like(chance).scatter_add_(1, drawn, torch.ones_like(drawn).double())
    return (counts / (steps * chance)).T


def strata(terms: Tensor, steps: int, generator: torch.Generator) -> Tensor:
    """One node in each of `steps` equal parts of the nodes, uniformly, for each pair."""
    kept = torch.zeros(terms.shape, dtype=torch.float64)
    for part in np.array_split(np.arange(len(terms)), steps):
        drawn = torch.randint(len(part), (terms.shape[1],), generator=generator) + int(part[0])
        kept[drawn, torch.arange(terms.shape[1])] = len(part)
    return kept


DRAWINGS: dict[str, Draw] = {
    "importance, over the batch (sampled)": draw_nodes,
    "importance, a pair": by_pair,
    "strata, uniform": strata,
}


class Sketch:
    """A vector of parameters, folded into `BUCKETS` numbers."""

    def __init__(self, size: int) -> None:
        generator = torch.Generator().manual_seed(0)
        padded = -(-size // BUCKETS) * BUCKETS
        self.signs = torch.randint(0, 2, (padded,), generator=generator, dtype=torch.int8) * 2 - 1

    def __call__(self, gradients: list[Tensor | None], parameters: list[Tensor]) -> Tensor:
        pieces = [
            (torch.zeros_like(parameter) if gradient is None else gradient).flatten()
            for gradient, parameter in zip(gradients, parameters, strict=True)
        ]
        flat = torch.cat(pieces)
        flat = torch.nn.functional.pad(flat, (0, len(self.signs) - len(flat)))
        return (flat * self.signs).view(-1, BUCKETS).sum(0).double()


def of_nodes(penalty: PathPenalty, inputs: dict, steps: int, sketch: Sketch) -> tuple:
    """(gradient of each node and pair [K, B, BUCKETS], terms [K, B], V)."""
    penalty.steps = steps
    task = penalty.task(inputs, torch.Generator())
    rule = nodes("gauss-legendre", steps)
    with penalty.path_mode():
        scores = integrated_gradients(
            task.forward, task.path, rule, samples=steps, chunk_tokens=task.chunk_tokens
        ).detach()
        total, slope = _slope(task, scores.sum(0, keepdim=True).requires_grad_())
        result = torch.zeros(steps, task.pairs, BUCKETS, dtype=torch.float64)
        for node in range(steps):
            for pair in range(task.pairs):
                weights = torch.zeros(steps, task.pairs, dtype=torch.float64)
                weights[node, pair] = rule.weights[node]
                one = Nodes(rule.positions[:, None].expand_as(weights), weights)
                task = penalty.task(inputs, torch.Generator())
                result[node, pair] = sketch(_second_pass(task, one, 1, slope), penalty.parameters)
    return result, (scores * slope).sum(-1).abs(), float(total) / task.pairs


def cosine(first: Tensor, second: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(first, second, dim=0))


def row(name: str, operations: int, draws: list[Tensor], reference: Tensor, value: str) -> None:
    one = [cosine(draw, reference) for draw in draws]
    groups = [torch.stack(draws[at : at + 32]).mean(0) for at in range(0, len(draws), 32)]
    many = [cosine(group, reference) for group in groups]
    size = np.mean([float(draw.norm() / reference.norm()) for draw in draws])
    print(
        f"| {name} | {operations} F | {value} | {np.mean(one):.2f} ± {np.std(one):.2f} "
        f"| {np.mean(many):.3f} | {size:.2f} |",
        flush=True,
    )


def main(checkpoint: str, data: str, batches: int = 3) -> None:
    classifier = load_classifier(checkpoint, device="cpu")
    examples = list(islice(load_split(data, "dev"), PAIRS * batches))
    rows = TrainSet(tokenise(classifier, examples))
    penalty = PathPenalty(classifier, PathPenaltyConfig())
    sketch = Sketch(sum(parameter.numel() for parameter in penalty.parameters))
    for batch in range(batches):
        inputs = rows.collate(range(batch * PAIRS, (batch + 1) * PAIRS))
        penalty.steps = REFERENCE
        share = penalty.share(inputs, (0,))
        reference, whole = sketch(share.gradients, penalty.parameters), float(share.total) / PAIRS
        print(f"\nbatch {batch + 1}: V {whole:.4g} by {REFERENCE} nodes")
        print("| estimator | operations | V / reference | cosine, one draw | of 32 | norm |")
        print("|---|---|---|---|---|---|")
        for steps in (10, 16):
            result, terms, value = of_nodes(penalty, inputs, steps, sketch)
            near = f"{value / whole:.2f}"
            row(f"exact, {steps} nodes", 6 * steps, [result.sum((0, 1))], reference, near)
            for name, draw in DRAWINGS.items():
                for kept in (1, 2, 4):
                    drawn = [
                        torch.einsum(
                            "kb,kbd->d",
                            draw(terms, kept, torch.Generator().manual_seed(seed)).double(),
                            result,
                        )
                        for seed in range(DRAWS)
                    ]
                    operations = 2 * steps + 6 * kept
                    row(f"{name}, {kept} of {steps}", operations, drawn, reference, near)
        pairs = PathPenalty(classifier, PathPenaltyConfig(ig_estimator="pairs", ig_steps=2))
        shares = [pairs.share(inputs, (draw,)) for draw in range(32)]
        values = np.array([float(each.total) for each in shares]) / PAIRS / whole
        drawn = [sketch(each.gradients, pairs.parameters) for each in shares]
        near = f"{values.mean():.2f} ± {values.std():.2f}"
        row("pairs, 2 + 2", 24, drawn, reference, near)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
