"""Attributions of a trained model for pairs: the kernel with its parameters frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nliexplorer import processes
from nliexplorer.attribution.adaptive import adaptive_scores
from nliexplorer.attribution.integrated_gradients import Path, embedding_path, integrated_gradients
from nliexplorer.attribution.quadrature import Nodes, nodes
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.devices import pass_tokens
from nliexplorer.modeling.load import Classifier, frozen
from nliexplorer.modeling.memory import in_batches
from nliexplorer.modeling.tokenizing import EncodedPairs
from nliexplorer.records import GOLD_NAMES, TWO_WAY, Attribution, Example

METHOD = "integrated-gradients"
#: In place of a number of nodes: as many as each pair needs (`adaptive_scores`).
AUTO_STEPS = 0


@dataclass(frozen=True, slots=True)
class Scores:
    """Raw scores of one pair: one per token, special tokens included, no padding."""

    scores: tuple[float, ...]
    target: int  # column of the logits
    completeness_delta: float
    logits: tuple[float, ...]  # in the order of the classifier's classes
    nodes: int


def attribute(
    classifier: Classifier,
    examples: Sequence[Example],
    *,
    target: str | int = "predicted",
    steps: int = 10,
    rule: str = "gauss-legendre",
    baseline: str = "zero",
    token_budget: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[int, Attribution]]:
    """(position in `examples`, its attribution) as batches finish: longest pairs first.

    `target` is `gold`, `predicted`, a label's name or its number; `steps` is the number of nodes,
    or AUTO_STEPS. In a distributed run each process does its share and yields that alone.
    """
    pairs = [(example.premise, example.hypothesis) for example in examples]
    encoded = classifier.encode(pairs)
    targets = target_columns(classifier.classes, examples, target)
    fixed = None if steps == AUTO_STEPS else nodes(rule, steps)
    for row, scores in attribution_scores(
        classifier, encoded, targets, fixed, baseline, token_budget, progress
    ):
        place = classifier.layout(*pairs[row])
        yield (
            row,
            Attribution(
                place.tokens,
                place.segments,
                place.word_ids,
                place.spans,
                scores.scores,
                classifier.classes[scores.target],
                METHOD,
                baseline,
                steps,
                scores.completeness_delta,
                bool(encoded.truncated[row]),
            ),
        )


def target_columns(
    classes: Sequence[int], examples: Sequence[Example], target: str | int
) -> NDArray[np.int64] | None:
    """The column of logits to explain of each pair, None where it is whatever is predicted.

    For a two-way head neutral and contradiction are non-entailment.
    """
    if target == "predicted":
        return None
    if target == "gold":
        labels = [example.gold for example in examples]
    else:
        labels = [_label(target)] * len(examples)
    two_way = tuple(classes) == TWO_WAY
    columns = [min(label, 1) if two_way else label for label in labels]
    if all(0 <= column < len(classes) for column in columns):
        return np.asarray(columns, dtype=np.int64)
    hint = "explain the predicted class instead: --target predicted"
    if target != "gold":
        raise NliError(f"{target} is not a class of this model", hint)
    raise NliError("gold labels of this split are not all classes of this model", hint)


def _label(target: str | int) -> int:
    if target in GOLD_NAMES:
        return GOLD_NAMES.index(target)
    if target in range(len(GOLD_NAMES)):
        return int(target)
    raise unknown_name("target", str(target), ("gold", "predicted", *GOLD_NAMES))


def attribution_scores(
    classifier: Classifier,
    encoded: EncodedPairs,
    targets: NDArray[np.int64] | None,
    rule: Nodes | None,
    baseline: str = "zero",
    token_budget: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[int, Scores]]:
    """(row, scores) of this process's share of the pairs, batch by batch.

    Without a rule each pair gets as many nodes as it needs.
    """
    budget = token_budget or pass_tokens(classifier.device)
    rank, world = processes.rank_and_world()
    done = 0

    def work(rows: NDArray[np.int64], batch: Batch, budget: int) -> list[tuple[int, Scores]]:
        batch_targets = None if targets is None else torch.from_numpy(targets[rows])
        scores = _batch_scores(
            classifier, encoded, rows, batch, batch_targets, rule, baseline, budget
        )
        return list(scores)

    with frozen(classifier):
        for rows, batch_scores in in_batches(work, encoded, budget, classifier.device, rank, world):
            yield from batch_scores
            done += len(rows)
            if progress:
                progress(min(done * world, len(encoded)), len(encoded))


def _batch_scores(
    classifier: Classifier,
    encoded: EncodedPairs,
    rows: NDArray[np.int64],
    batch: Batch,
    targets: Tensor | None,
    rule: Nodes | None,
    baseline: str,
    budget: int,
) -> Iterator[tuple[int, Scores]]:
    with torch.no_grad():
        top = classifier.logits(input_ids=batch.input_ids, **batch.features).float()
    target = top.argmax(-1) if targets is None else targets.to(classifier.device)
    path = embedding_path(classifier, batch, target, baseline)
    rise = (top - _baseline_logits(classifier, path)).gather(1, target[:, None])[:, 0]
    if rule is None:
        scores, taken = adaptive_scores(classifier.logits, path, rise, chunk_tokens=budget)
    else:
        (scores,) = integrated_gradients(classifier.logits, path, rule, chunk_tokens=budget)
        taken = torch.full_like(target, len(rule))
    scores = scores * batch.attention_mask
    delta = scores.sum(-1) - rise
    scores, target, delta, top, taken = (e.cpu() for e in (scores, target, delta, top, taken))
    for line, row in enumerate(rows.tolist()):
        yield (
            row,
            Scores(
                tuple(scores[line, batch.place(encoded.length(row))].tolist()),
                int(target[line]),
                float(delta[line]),
                tuple(top[line].tolist()),
                int(taken[line]),
            ),
        )


@torch.no_grad()
def _baseline_logits(classifier: Classifier, path: Path) -> Tensor:
    """Logits at the baseline [B, 3]. With the zero baseline all pairs of one shape share theirs."""
    if path.baseline.any():
        return classifier.logits(inputs_embeds=path.baseline, **path.features).float()
    shapes = torch.cat(list(path.features.values()), dim=1)
    _, group = torch.unique(shapes, dim=0, return_inverse=True)
    first = torch.zeros(int(group.max()) + 1, dtype=torch.long, device=group.device)
    first[group] = torch.arange(len(group), device=group.device)
    features = {name: value[first] for name, value in path.features.items()}
    return classifier.logits(inputs_embeds=path.baseline[first], **features).float()[group]
