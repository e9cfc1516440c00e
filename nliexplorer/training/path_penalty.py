"""The penalty of one micro-batch and its parameter gradient, ready to be summed over an update.

The batch mean V enters as tanh(alpha * V), whose slope sech^2(alpha * V) is known only once every
process and accumulation step has given its share. So each micro-batch yields the sum of its pairs'
penalties and the gradient of that sum; the trainer adds them up and multiplies by the slope at the
end. That makes an update independent of how it was split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from nliexplorer.attribution.integrated_gradients import (
    Path,
    embedding_path,
    endpoint_difference,
    integrated_gradients,
    score_chunks,
)
from nliexplorer.attribution.quadrature import Nodes, nodes, stratified
from nliexplorer.config import TrainConfig
from nliexplorer.modeling.activations import lean_gelu
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.devices import autocast, pass_tokens
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.memory import keep_freed_memory
from nliexplorer.training.dataset import as_batch, hypothesis_mask
from nliexplorer.training.penalties import TokenView, configured_penalty
from nliexplorer.training.stopwords import stopword_ids

Gradients = list[Tensor | None]


@dataclass(frozen=True, slots=True)
class Share:
    """One micro-batch's part of an update's penalty."""

    total: Tensor  # sum of the pairs' penalties (an unbiased estimate with draws), detached
    gradients: Gradients  # of `total`, one for each of the model's parameters
    delta: Tensor | None  # sum over pairs of |completeness delta|, where asked for
    measured: int  # pairs behind `delta`


class PathPenalty:
    """The configured penalty on the attributions of the gold class."""

    def __init__(self, classifier: Classifier, config: TrainConfig) -> None:
        self.classifier = classifier
        self.config = config
        self.penalty = configured_penalty(config)
        pairs = config.ig_estimator == "pairs"
        self.steps = config.ig_steps if isinstance(config.ig_steps, int) else (2 if pairs else 10)
        self.chooses_steps = config.ig_steps == "auto" and not pairs  # pairs are unbiased anyhow
        self.parameters: list[nn.Parameter] = list(classifier.model.parameters())
        self.stops = stopword_ids(classifier.tokenizer).to(classifier.device)
        if config.penalty_gradient == "exact" and classifier.device.type == "cpu":
            keep_freed_memory()

    @property
    def is_random(self) -> bool:
        """Whether V is an estimate that differs from draw to draw."""
        return self.config.ig_estimator == "pairs" or self.config.penalty_fraction < 1

    def share(self, inputs: dict[str, Any], draw: Sequence[int], with_delta: bool = False) -> Share:
        """The share of a micro-batch; `draw` (seed, step, ...) fixes whatever is random in it."""
        generator = _generator(draw)
        chosen, scale = self._chosen(inputs, generator)
        rule, samples = self._rule(len(chosen["labels"]), generator)
        with self._path_mode(), autocast(self.config.precision, self.classifier.device):
            total, gradients, scores, path = self._differentiate(chosen, rule, samples, scale)
            if not with_delta:
                return Share(total, gradients, None, 0)
            rise = endpoint_difference(self.classifier.logits, path, self._chunk)
        delta = (scores.mean(0).sum(-1) - rise).abs().sum()
        return Share(total, gradients, delta, len(rise))

    def value(self, inputs: dict[str, Any], steps: int) -> Tensor:
        """Penalty of each pair [B] by `steps` nodes of the configured rule, without gradient."""
        rule = nodes(self.config.ig_rule, steps)
        batch, path = self._path(inputs)
        with self._path_mode(), autocast(self.config.precision, self.classifier.device):
            scores = integrated_gradients(
                self.classifier.logits, path, rule, chunk_tokens=self._chunk
            )
        return self._pair_values(scores, self._view(inputs, batch)).detach()

    def _chosen(
        self, inputs: dict[str, Any], generator: torch.Generator
    ) -> tuple[dict[str, Any], float]:
        """A random part of the pairs, and what its sum is multiplied by to stand for all."""
        pairs = len(inputs["labels"])
        kept = max(1, round(self.config.penalty_fraction * pairs))
        if kept == pairs:
            return inputs, 1.0
        rows = torch.randperm(pairs, generator=generator)[:kept].sort().values
        rows = rows.to(self.classifier.device)
        return {name: value[rows] for name, value in inputs.items()}, pairs / kept

    def _rule(self, pairs: int, generator: torch.Generator) -> tuple[Nodes, int]:
        if self.config.ig_estimator == "quadrature":
            return nodes(self.config.ig_rule, self.steps), 1
        draws = [stratified(pairs, self.steps, generator) for _ in range(2)]
        return (
            Nodes(
                torch.cat([draw.positions for draw in draws]),
                torch.cat([draw.weights for draw in draws]),
            ),
            2,
        )

    def _path(self, inputs: dict[str, Any]) -> tuple[Batch, Path]:
        batch = as_batch(inputs)
        with torch.enable_grad():
            path = embedding_path(
                self.classifier,
                batch,
                inputs["labels"],
                token_types=self.config.path_token_types,
            )
        return batch, path

    def _view(self, inputs: dict[str, Any], batch: Batch) -> TokenView:
        words = batch.words
        return TokenView(
            words if self.config.variance_over == "words" else torch.ones_like(words),
            hypothesis_mask(batch.segments),
            torch.isin(batch.input_ids, self.stops) & words,
            inputs.get("rationale", torch.zeros_like(words)),
        )

    def _pair_values(self, scores: Tensor, view: TokenView) -> Tensor:
        if len(scores) == 1:
            return self.penalty.value(scores[0], view)
        assert self.penalty.form is not None
        return self.penalty.form(scores[0], scores[1], view)

    def _differentiate(
        self, inputs: dict[str, Any], rule: Nodes, samples: int, scale: float
    ) -> tuple[Tensor, Gradients, Tensor, Path]:
        """(scaled sum, its gradients, scores, path), in two passes where memory is short."""
        batch, path = self._path(inputs)
        view = self._view(inputs, batch)
        tokens = path.inputs.shape[0] * path.inputs.shape[1] * len(rule)
        exact = self.config.penalty_gradient == "exact"
        if not exact or tokens <= self.config.path_tokens:
            scores = integrated_gradients(
                self.classifier.logits,
                path,
                rule,
                mode=self.config.penalty_gradient,
                samples=samples,
                chunk_tokens=self._chunk,
            )
            total = self._pair_values(scores, view).sum() * scale
            found = torch.autograd.grad(total, self.parameters, allow_unused=True)
            return total.detach(), list(found), scores.detach(), path
        return (*self._in_two_passes(path, view, rule, samples, scale), path)

    def _in_two_passes(
        self, path: Path, view: TokenView, rule: Nodes, samples: int, scale: float
    ) -> tuple[Tensor, Gradients, Tensor]:
        """The same gradient with one chunk's graph alive at a time, for a third more work.

        The first pass finds the scores and, from them, dV/dscores; the second sends that back
        through each chunk's own scores.
        """
        forward = self.classifier.logits
        fixed = replace(path, inputs=path.inputs.detach())
        scores = integrated_gradients(
            forward, fixed, rule, samples=samples, chunk_tokens=self._chunk
        ).requires_grad_()
        total = self._pair_values(scores, view).sum() * scale
        (slope,) = torch.autograd.grad(total, scores)
        flat = slope.view(-1, slope.shape[-1])
        leaf = path.inputs.detach().requires_grad_()
        sums: Gradients = [None] * len(self.parameters)
        at_leaf = torch.zeros_like(leaf)
        chunk = min(self._chunk, self.config.path_tokens)
        for slots, values in score_chunks(
            forward, replace(path, inputs=leaf), rule, "exact", samples, chunk
        ):
            found = torch.autograd.grad(
                (values * flat[slots]).sum(), [leaf, *self.parameters], allow_unused=True
            )
            at_leaf += found[0]
            sums = add_gradients(sums, found[1:])
        rest = torch.autograd.grad(path.inputs, self.parameters, at_leaf, allow_unused=True)
        return total.detach(), add_gradients(sums, rest), scores.detach()

    @property
    def _chunk(self) -> int:
        return min(pass_tokens(self.classifier.device), self.config.path_tokens)

    @contextmanager
    def _path_mode(self) -> Iterator[None]:
        """Dropout off on the path unless asked for, cheap second derivatives; both put back."""
        model = self.classifier.model
        training = model.training
        model.train(training and self.config.path_dropout)
        try:
            with lean_gelu(model):
                yield
        finally:
            model.train(training)


def add_gradients(sums: Gradients, found: Sequence[Tensor | None]) -> Gradients:
    """Elementwise sum, in place where possible; None is zero."""
    return [
        new if old is None else old if new is None else old.add_(new)
        for old, new in zip(sums, found, strict=True)
    ]


def _generator(draw: Sequence[int]) -> torch.Generator:
    """A generator of its own for each draw, so that a resumed run draws the same."""
    import numpy as np

    state = np.random.SeedSequence([int(part) for part in draw]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> 1))
