"""lambda * tanh(alpha * V), V the mean over pairs of a penalty on their attributions.

The tanh's slope is known only once V is known over all processes and accumulation steps. So each
micro-batch yields a `Share`: the sum of its pairs' penalties and the parameter gradient of that
sum. `penalty_state` turns the update's V into the slope, and `add_gradients` adds slope times
gradient to what the cross-entropy left in the parameters' `.grad`. How an update is split into
micro-batches therefore does not change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import tanh
from typing import Any

import torch
from torch import Tensor, nn

from nliexplorer import processes
from nliexplorer.attribution.baseline import resolve_baseline
from nliexplorer.attribution.integrated_gradients import (
    Path,
    embedding_path,
    endpoint_difference,
    integrated_gradients,
    twice_differentiable,
)
from nliexplorer.attribution.quadrature import nodes
from nliexplorer.config import PathPenaltyConfig
from nliexplorer.errors import NliError
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.devices import autocast, pass_tokens
from nliexplorer.modeling.load import Classifier, as_classifier
from nliexplorer.modeling.memory import keep_freed_memory
from nliexplorer.training.estimators import (
    Gradients,
    PathTask,
    add_gradients,
    get_estimator,
)
from nliexplorer.training.inputs import batch_of, check_penalty_inputs, class_labels, token_view
from nliexplorer.training.penalties import TokenView, configured_penalty
from nliexplorer.training.stopwords import stopword_ids

_DECAY = 0.9


@dataclass(frozen=True, slots=True)
class Share:
    """One micro-batch's part of an update's penalty."""

    total: Tensor  # sum of the pairs' penalties (an unbiased estimate with draws), detached
    gradients: Gradients  # of `total`, one for each of the penalty's parameters
    delta: Tensor | None  # sum over pairs of |completeness delta|, where asked for
    measured: int  # pairs behind `delta`


@dataclass(frozen=True, slots=True)
class PenaltyState:
    """The penalty of one update, V known over all its pairs."""

    value: float  # V
    saturation: float  # tanh(alpha * V)
    penalty: float  # lambda * tanh(alpha * V)
    factor: float  # d penalty / d V = lambda * alpha * sech^2(alpha * V)


class PathPenalty:
    """The penalty of one model, for the trainer and for a training loop of your own.

    `model` is any sequence classifier of transformers with an embedding table (or a `Classifier`);
    `tokenizer` tells words from special tokens. In a loop, between `loss.backward()` and
    `optimizer.step()`:

        penalty.backward(batch)  # adds the penalty's gradient to the parameters' .grad

    Raises NliError for a model without embedding table and for settings that do not fit together.
    """

    def __init__(
        self,
        model: Any,
        config: PathPenaltyConfig | None = None,
        tokenizer: Any = None,
        *,
        precision: str = "fp32",
        seed: int = 0,
    ) -> None:
        self.config = config or PathPenaltyConfig()
        self.penalty = configured_penalty(self.config)
        self.estimator = get_estimator(self.config.ig_estimator)
        steps = self.config.ig_steps
        self.steps = steps if isinstance(steps, int) else self.estimator.default_steps
        self.alpha = None if self.config.alpha == "auto" else self.config.alpha
        self.running: float | None = None  # mean of V over updates, where V is random
        self.precision, self.seed = precision, seed
        self.attach(model if isinstance(model, Classifier) else as_classifier(model, tokenizer))
        self._updates = 0
        if self.config.penalty_gradient == "exact" and self.classifier.device.type == "cpu":
            keep_freed_memory()

    def attach(self, classifier: Classifier) -> None:
        """Penalise this model from now on, on the device that it is on."""
        classifier = replace(classifier, device=classifier.embeddings.weight.device)
        self.classifier = classifier
        self.stops = (
            torch.zeros(0, dtype=torch.long)
            if classifier.tokenizer is None
            else stopword_ids(classifier.tokenizer)
        ).to(classifier.device)
        self.baseline = "zero" if classifier.tokenizer is None else resolve_baseline(classifier)
        self.parameters: list[nn.Parameter] = [
            parameter for parameter in classifier.model.parameters() if parameter.requires_grad
        ]

    @property
    def chooses_steps(self) -> bool:
        """Whether the nodes are `auto`; `pairs` is unbiased with any number of them."""
        return self.config.ig_steps == "auto" and not self.estimator.random_value

    @property
    def is_random(self) -> bool:
        """Whether V is an estimate that differs from draw to draw."""
        return self.estimator.random_value or self.config.penalty_fraction < 1

    def backward(self, *micro_batches: Mapping[str, Any]) -> PenaltyState:
        """Add the gradient of lambda * tanh(alpha * V) to the parameters' `.grad`.

        Each batch holds `input_ids` [B, T], `labels` [B] and what else the model takes, on its
        device; several batches are one update, over all of which V is taken. Where
        torch.distributed runs, V and the gradient are those of all processes together.
        """
        if self.alpha is None:
            raise self._no_alpha()
        total, pairs, gradients = 0.0, 0, None
        for number, inputs in enumerate(micro_batches):
            rank = processes.rank_and_world()[0]
            share = self.share(inputs, (self.seed, self._updates, number, rank))
            total, pairs = total + float(share.total), pairs + len(inputs["input_ids"])
            gradients = (
                share.gradients if gradients is None else add_gradients(gradients, share.gradients)
            )
        self._updates += 1
        sums = processes.all_reduce(
            torch.tensor([total, pairs], dtype=torch.float64, device=self.classifier.device)
        ).tolist()
        state = self.penalty_state(sums[0] / sums[1], self.config.lambda_)
        self.add_gradients(gradients or [], state.factor / sums[1])
        return state

    def share(
        self,
        inputs: Mapping[str, Any],
        draw: Sequence[int],
        with_delta: bool = False,
        gradient_scale: float = 1.0,
    ) -> Share:
        """The share of a micro-batch; `draw` (seed, step, ...) fixes whatever is random in it.

        `gradient_scale` multiplies the gradient, not the value (mixed precision's loss scale).
        """
        check_penalty_inputs(inputs, self.penalty, self.classifier)
        generator = _generator(draw)
        if self.penalty.needs_rationale:  # the value of every other pair is 0
            marked = inputs["rationale"].bool().any(1)
            inputs = {name: value[marked] for name, value in inputs.items()}
            if not len(inputs["input_ids"]):
                zero = torch.zeros((), device=self.classifier.device)
                return Share(zero, [None] * len(self.parameters), None, 0)
        inputs, scale = self._some_pairs(inputs, generator)
        task = self.task(inputs, generator, scale, gradient_scale)
        with self.path_mode():
            estimate = self.estimator.estimate(task)
            if not with_delta:
                return Share(estimate.total, estimate.gradients, None, 0)
            rise = endpoint_difference(self.classifier.logits, task.path, self.chunk_tokens)
        delta = (estimate.scores.mean(0).sum(-1) - rise).abs().sum()
        return Share(estimate.total, estimate.gradients, delta, len(rise))

    def task(
        self,
        inputs: Mapping[str, Any],
        generator: torch.Generator,
        scale: float = 1.0,
        gradient_scale: float = 1.0,
    ) -> PathTask:
        """The batch's path and what an estimator is to do with it."""
        batch, path = self._path(inputs)
        view = self._view(inputs, batch)
        return PathTask(
            forward=self.classifier.logits,
            path=path,
            values=lambda scores: self._pair_values(scores, view),
            parameters=self.parameters,
            mode=self.config.penalty_gradient,
            rule=self.config.ig_rule,
            steps=self.steps,
            gradient_steps=min(self.steps, self.config.ig_gradient_steps),
            scale=scale,
            gradient_scale=gradient_scale,
            path_tokens=self.config.path_tokens,
            chunk_tokens=self.chunk_tokens,
            generator=generator,
        )

    def value(self, inputs: Mapping[str, Any], steps: int) -> Tensor:
        """Penalty of each pair [B] by `steps` nodes of the configured rule, without gradient."""
        check_penalty_inputs(inputs, self.penalty, self.classifier)
        batch, path = self._path(inputs)
        with self.path_mode():
            scores = integrated_gradients(
                self.classifier.logits,
                path,
                nodes(self.config.ig_rule, steps),
                chunk_tokens=self.chunk_tokens,
            )
        return self._pair_values(scores, self._view(inputs, batch)).detach()

    @torch.no_grad()
    def completeness_error(self, inputs: Mapping[str, Any], steps: int) -> float:
        """sum |scores' sum - logit difference| / sum |logit difference| over the pairs."""
        _, path = self._path(inputs)
        with self.path_mode():
            (scores,) = integrated_gradients(
                self.classifier.logits,
                path,
                nodes(self.config.ig_rule, steps),
                chunk_tokens=self.chunk_tokens,
            )
            rise = endpoint_difference(self.classifier.logits, path, self.chunk_tokens)
        return float((scores.sum(-1) - rise).abs().sum() / rise.abs().sum().clamp_min(1e-12))

    def gradient(self, inputs: Mapping[str, Any], steps: int) -> Tensor:
        """dV/dparameters as one vector, by `steps` nodes of the configured rule."""
        exact = PathPenalty(
            self.classifier,
            replace(self.config, ig_estimator="quadrature", ig_steps=steps, penalty_fraction=1.0),
            precision=self.precision,
        )
        share = exact.share(inputs, (0,))
        return torch.cat(
            [
                (torch.zeros_like(parameter) if gradient is None else gradient).flatten()
                for parameter, gradient in zip(self.parameters, share.gradients, strict=True)
            ]
        )

    def penalty_state(self, value: float, weight: float) -> PenaltyState:
        """The update's penalty with lambda = `weight`, given V over all of it.

        Where V is an unbiased but noisy estimate (`pairs`, a part of the batch), tanh of it would
        be biased: the slope is then taken at a running mean of V over updates (decay 0.9), and the
        penalty and saturation reported are those of the running mean.
        """
        if self.alpha is None:
            raise self._no_alpha()
        at = value
        if self.is_random:
            old = self.running
            self.running = value if old is None else _DECAY * old + (1 - _DECAY) * value
            at = max(0.0, self.running)  # an unbiased estimate may fall below 0, V may not
        saturation = tanh(self.alpha * at)
        slope = weight * self.alpha * (1 - saturation**2)
        return PenaltyState(value, saturation, weight * saturation, slope)

    def add_gradients(self, gradients: Gradients, factor: float) -> None:
        """Add `factor` times the gradients, summed over processes, to the parameters' `.grad`."""
        if processes.running():  # another process may have reached what this one did not
            gradients = [
                torch.zeros_like(parameter) if gradient is None else gradient
                for parameter, gradient in zip(self.parameters, gradients, strict=True)
            ]
        pairs = [
            (parameter, gradient)
            for parameter, gradient in zip(self.parameters, gradients, strict=True)
            if gradient is not None
        ]
        if processes.running():
            flat = processes.all_reduce(torch.cat([gradient.flatten() for _, gradient in pairs]))
            pieces = torch.split(flat, [gradient.numel() for _, gradient in pairs])  # type: ignore[no-untyped-call]
            pairs = [
                (parameter, piece.view_as(parameter))
                for (parameter, _), piece in zip(pairs, pieces, strict=True)
            ]
        for parameter, gradient in pairs:
            if parameter.grad is None:
                parameter.grad = gradient * factor
            else:
                parameter.grad.add_(gradient, alpha=factor)

    def halve_memory(self, budget: int) -> None:
        """Let at most `budget` tokens' graphs be alive at once from now on."""
        self.config = replace(self.config, path_tokens=budget)

    def _some_pairs(
        self, inputs: Mapping[str, Any], generator: torch.Generator
    ) -> tuple[Mapping[str, Any], float]:
        """A random part of the pairs, and what its sum is multiplied by to stand for all."""
        pairs = len(inputs["input_ids"])
        kept = max(1, round(self.config.penalty_fraction * pairs))
        if kept == pairs:
            return inputs, 1.0
        rows = torch.randperm(pairs, generator=generator)[:kept].sort().values
        rows = rows.to(self.classifier.device)
        return {name: value[rows] for name, value in inputs.items()}, pairs / kept

    def _path(self, inputs: Mapping[str, Any]) -> tuple[Batch, Path]:
        batch = batch_of(inputs, self.classifier.tokenizer)
        with torch.enable_grad():
            path = embedding_path(
                self.classifier,
                batch,
                class_labels(inputs, self.classifier),
                self.baseline,
                token_types=self.config.path_token_types,
            )
        if self.config.ig_path == "outside-rationale":
            path = replace(path, moving=self._view(inputs, batch).outside)
        return batch, path

    def _view(self, inputs: Mapping[str, Any], batch: Batch) -> TokenView:
        everything = self.config.variance_over == "all"
        target = self.config.rationale_target
        return token_view(batch, self.stops, inputs.get("rationale"), everything, target)

    def _pair_values(self, scores: Tensor, view: TokenView) -> Tensor:
        if len(scores) == 1:
            return self.penalty.value(scores[0], view)
        assert self.penalty.form is not None
        return self.penalty.form(scores[0], scores[1], view)

    @property
    def chunk_tokens(self) -> int:
        """Tokens of one pass."""
        return min(pass_tokens(self.classifier.device), self.config.path_tokens)

    @contextmanager
    def path_mode(self) -> Iterator[None]:
        """Dropout off on the path unless asked for, attention and activations that can be
        differentiated twice, the path's precision; all put back."""
        model = self.classifier.model
        training = model.training
        model.train(training and self.config.path_dropout)
        try:
            with (
                twice_differentiable(model),
                autocast(self.precision, self.classifier.device),
            ):
                yield
        finally:
            model.train(training)

    @staticmethod
    def _no_alpha() -> NliError:
        return NliError(
            "alpha = auto is chosen by IGTrainer while it trains",
            "give PathPenaltyConfig a number, for example alpha=10.0",
        )


def _generator(draw: Sequence[int]) -> torch.Generator:
    """A generator of its own for each draw, so that a resumed run draws the same."""
    import numpy as np

    state = np.random.SeedSequence([int(part) for part in draw]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> 1))
