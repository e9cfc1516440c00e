"""Which estimator of the penalty's gradient? Cosines to the gradient of 50 nodes, by operations.

    python -m tests.bench.estimators CHECKPOINT DATA [BATCH...]

Batches of 8 dev pairs, numbered from 1; by default the first three. The gradient of each pair at
each node is taken once and sketched (random signs, summed into 16,384 buckets, which keeps cosines
to 0.01); hundreds of draws then cost nothing. `pairs` is drawn for real, 32 times.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nliexplorer.attribution.baseline import KEPT, resolve_baseline
from nliexplorer.attribution.integrated_gradients import integrated_gradients
from nliexplorer.attribution.quadrature import Nodes, nodes
from nliexplorer.config import PathPenaltyConfig
from nliexplorer.data.sources import load_split
from nliexplorer.modeling.load import Classifier, load_classifier
from nliexplorer.training.dataset import TrainSet, tokenise
from nliexplorer.training.estimators import _second_pass, _slope, draw_nodes
from nliexplorer.training.path_penalty import PathPenalty

BUCKETS, PAIRS, DRAWS, REFERENCE, STEPS, PARTS = 16_384, 8, 96, 50, 10, 4
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


def of_some_pairs(part: float, terms: Tensor, steps: int, generator: torch.Generator) -> Tensor:
    """`penalty_fraction`: by importance among a random part of the pairs, which stand for all."""
    pairs = terms.shape[1]
    rows = torch.randperm(pairs, generator=generator)[: round(part * pairs)]
    kept = torch.zeros(terms.shape, dtype=torch.float64)
    kept[:, rows] = draw_nodes(terms[:, rows], steps, generator) / part
    return kept


class Sketch:
    """A vector of parameters, folded into `BUCKETS` numbers."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self.parameters = parameters
        generator = torch.Generator().manual_seed(0)
        size = sum(parameter.numel() for parameter in parameters)
        padded = -(-size // BUCKETS) * BUCKETS
        self.signs = torch.randint(0, 2, (padded,), generator=generator, dtype=torch.int8) * 2 - 1

    def __call__(self, gradients: list[Tensor | None]) -> Tensor:
        flat = torch.cat(
            [
                (torch.zeros_like(parameter) if gradient is None else gradient).flatten()
                for gradient, parameter in zip(gradients, self.parameters, strict=True)
            ]
        )
        flat = nn.functional.pad(flat, (0, len(self.signs) - len(flat)))
        return (flat * self.signs).view(-1, BUCKETS).sum(0).double()


@dataclass(frozen=True, slots=True)
class Measured:
    """Sketched gradients of one batch; those of nodes and parts carry the nodes' weights."""

    reference: Tensor  # [D], of 50 nodes
    at_nodes: Tensor  # [K, B, D]
    in_parts: Tensor  # [K, P, B, D], at the middle of P equal parts of each node's cell
    terms: Tensor  # [K, B], what nodes are drawn by
    part_terms: Tensor  # [K, P, B]
    value: float  # V by K nodes / V by 50
    in_bf16: tuple[float, float]  # the same and the slope's cosine, scores taken in bf16
    drawn: Tensor  # [32, D], of `pairs`
    drawn_values: np.ndarray  # their V / V by 50
    seconds: dict[str, float]


def measure(penalty: PathPenalty, inputs: dict[str, Any], sketch: Sketch) -> Measured:
    """One batch; several minutes."""
    seconds: dict[str, float] = {}

    def share_of(name: str, seed: int = 0, **settings: Any) -> tuple[Tensor, float]:
        other = PathPenalty(penalty.classifier, PathPenaltyConfig(**settings))
        start = time.perf_counter()
        share = other.share(inputs, (seed,))
        seconds.setdefault(name, time.perf_counter() - start)
        return sketch(share.gradients), float(share.total)

    reference, whole = share_of("reference", ig_steps=REFERENCE)
    share_of("exact", ig_steps=STEPS)
    for kept in (1, 2, 4):
        share_of(f"sampled {kept}", ig_steps=STEPS, ig_estimator="sampled", ig_gradient_steps=kept)
    draws = [share_of("pairs", seed, ig_steps=2, ig_estimator="pairs") for seed in range(32)]
    rule = nodes("gauss-legendre", STEPS)
    task = penalty.task(inputs, torch.Generator())
    with penalty.path_mode():
        score = partial(integrated_gradients, task.forward, task.path, samples=STEPS)
        scores = score(rule).detach()
        total, slope = _slope(task, scores.sum(0, keepdim=True).requires_grad_())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = score(rule).detach().float().sum(0, keepdim=True)
        rough_total, rough_slope = _slope(task, rough.requires_grad_())

        def at(positions: Tensor) -> Tensor:
            """Gradients [K, B, D] of <slope, scores> at one position a node."""
            found = torch.zeros(STEPS, PAIRS, BUCKETS, dtype=torch.float64)
            for node in range(STEPS):
                for pair in range(PAIRS):
                    weights = torch.zeros(1, PAIRS, dtype=torch.float64)
                    weights[0, pair] = rule.weights[node]
                    one = Nodes(positions[node].expand(1, PAIRS), weights)
                    fresh = penalty.task(inputs, torch.Generator())
                    found[node, pair] = sketch(_second_pass(fresh, one, 1, slope))
            return found

        starts = rule.weights.cumsum(0) - rule.weights
        middles = (torch.arange(PARTS) + 0.5) / PARTS
        parts = [starts + rule.weights * part for part in middles]
        part_scores = [score(Nodes(part, rule.weights)).detach() for part in parts]
        return Measured(
            reference,
            at(rule.positions),
            torch.stack([at(part) for part in parts], 1),
            (scores * slope).sum(-1).abs(),
            torch.stack([(each * slope).sum(-1).abs() for each in part_scores], 1),
            float(total) / whole,
            (float(rough_total) / whole, cosine(rough_slope.flatten(), slope.flatten())),
            torch.stack([gradient for gradient, _ in draws]),
            np.array([value for _, value in draws]) / whole,
            seconds,
        )


def cosine(first: Tensor, second: Tensor) -> float:
    return float(nn.functional.cosine_similarity(first.double(), second.double(), dim=0))


#: Where nodes are: by the rule, moved by one random number a pair, by one a node.
PLACES = ("fixed", "shifted", "anew in each cell")


def rows(one: Measured, before: Tensor | None = None) -> Iterator[tuple[str, float, list[Tensor]]]:
    """(estimator, its operations in F a pair, its draws); `before` is the last batch's gradient."""

    def draws(draw: Draw, kept: int, place: str = "shifted") -> list[Tensor]:
        return [
            _draw(one, draw, kept, place, torch.Generator().manual_seed(seed))
            for seed in range(DRAWS)
        ]

    first = 2 * STEPS
    yield f"exact, {STEPS} nodes, fixed", 6 * STEPS, draws(draw_nodes, STEPS, "fixed")[:1]
    yield f"exact, {STEPS} nodes, shifted", 6 * STEPS, draws(draw_nodes, STEPS)
    for place in PLACES:
        for kept in (1, 2, 4):
            yield f"{kept}, {place}", first + 6 * kept, draws(draw_nodes, kept, place)
    yield "2, by importance in each pair", first + 12, draws(by_pair, 2)
    yield "2, uniform in two strata", first + 12, draws(strata, 2)
    if before is not None:
        exact, direction = one.in_parts.mean(1).sum((0, 1)), before / before.norm()
        controlled = [
            draw + ((exact - draw) @ direction) * direction for draw in draws(draw_nodes, 1)
        ]
        yield "1, control variate: the last batch's gradient", 2 * first + 6, controlled
    for part, kept in ((0.5, 1), (0.25, 1), (0.25, 2)):
        some = partial(of_some_pairs, part)
        yield f"{kept}, of {part:.0%} of the pairs", part * (first + 6 * kept), draws(some, kept)
    yield "`pairs`, 2 + 2", 24, list(one.drawn)


def _draw(one: Measured, draw: Draw, steps: int, place: str, generator: torch.Generator) -> Tensor:
    steps_, pairs = one.terms.shape
    if place == "fixed":
        kept = draw(one.terms, steps, generator).double()
        return torch.einsum("kb,kbd->d", kept, one.at_nodes)
    rows_of_draws = 1 if place == "shifted" else steps_
    part = torch.randint(one.in_parts.shape[1], (rows_of_draws, pairs), generator=generator)
    place_of = torch.arange(steps_)[:, None], part.expand(steps_, -1), torch.arange(pairs)
    terms = one.part_terms[place_of] if place == "shifted" else one.terms
    kept = draw(terms, steps, generator).double()
    return torch.einsum("kb,kbd->d", kept, one.in_parts[place_of])


def print_table(one: Measured, before: Tensor | None = None) -> None:
    values = one.drawn_values
    print(
        f"V by {STEPS} nodes / by {REFERENCE}: {one.value:.2f}; scores in bf16: "
        f"{one.in_bf16[0]:.2f}, cosine of the slopes {one.in_bf16[1]:.4f}; "
        f"pairs: {values.mean():.2f} ± {values.std():.2f}"
    )
    exact = one.seconds.get("exact", 1.0)
    print("time / exact:", {k: round(v / exact, 2) for k, v in one.seconds.items()})
    print("| estimator | operations | cosine, one draw | mean of 32 | norm |")
    print("|---|---|---|---|---|")
    for name, operations, drawn in rows(one, before):
        single = [cosine(draw, one.reference) for draw in drawn]
        groups = [torch.stack(drawn[at : at + 32]).mean(0) for at in range(0, len(drawn), 32)]
        many = np.mean([cosine(group, one.reference) for group in groups])
        size = np.mean([float(draw.norm() / one.reference.norm()) for draw in drawn])
        print(
            f"| {name} | {operations:g} F | {np.mean(single):.2f} ± {np.std(single):.2f} "
            f"| {many:.3f} | {size:.2f} |",
            flush=True,
        )


def with_small_table(classifier: Classifier, ids: Tensor) -> Tensor:
    """Cut the embedding table to the rows of `ids`, without which no gradient differs; `ids` as
    rows of the new table."""
    setattr(classifier.model.config, KEPT, resolve_baseline(classifier))
    known, places = torch.unique(ids, return_inverse=True)
    weights = classifier.embeddings.weight.detach()[known].clone()
    classifier.model.set_input_embeddings(nn.Embedding.from_pretrained(weights, freeze=False))
    return places


def main(checkpoint: str, data: str, *numbers: str) -> None:
    classifier = load_classifier(checkpoint, device="cpu")
    batches = [int(number) - 1 for number in numbers or "123"]
    examples = list(islice(load_split(data, "dev"), PAIRS * (max(batches) + 1)))
    pairs = TrainSet(tokenise(classifier, examples))
    inputs = [pairs.collate(range(at * PAIRS, (at + 1) * PAIRS)) for at in batches]
    places = with_small_table(classifier, torch.cat([i["input_ids"].flatten() for i in inputs]))
    for each in inputs:
        count = each["input_ids"].numel()
        each["input_ids"], places = places[:count].view_as(each["input_ids"]), places[count:]
    penalty = PathPenalty(classifier, PathPenaltyConfig(ig_steps=STEPS))
    sketch, before = Sketch(penalty.parameters), None
    for number, each in zip(batches, inputs, strict=True):
        measured = measure(penalty, each, sketch)
        print(f"\nbatch {number + 1}")
        print_table(measured, before)
        before = measured.reference


if __name__ == "__main__":
    main(*sys.argv[1:])
