"""Optimiser updates to be timed: this project's, and the published code's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from nliexplorer.config import TrainConfig
from nliexplorer.modeling.devices import autocast
from nliexplorer.modeling.load import Classifier
from nliexplorer.training.dataset import LengthGrouped, TrainSet
from nliexplorer.training.nli_trainer import NliTrainer
from nliexplorer.training.plan import Plan
from nliexplorer.training.run import training_arguments
from tests.bench.models import electra_small, on_device, snli_like

BATCH, STEPS = 16, 10
BASELINE: dict[str, Any] = {"objective": "baseline"}
EXACT: dict[str, Any] = {"objective": "ig-variance", "ig_steps": STEPS}
_POOL = 64  # batches that those of typical length are taken from


def settings(**values: Any) -> TrainConfig:
    return replace(TrainConfig(batch_size=BATCH, lr=5e-5, device="cpu"), **values)


class Stepper:
    """Updates of `NliTrainer` on `batches` SNLI-like batches of typical length, all of them a call.

    The model is a copy of `classifier`, by default ELECTRA-small's configuration, on the
    configuration's device; batches and weights are the same for everyone.
    """

    def __init__(
        self, config: TrainConfig, batches: int = 1, classifier: Classifier | None = None
    ) -> None:
        classifier = on_device(classifier or electra_small(), config.device)
        size = config.batch_size
        pairs = snli_like(size * _POOL)
        train_set = TrainSet(pairs, config.pad_to)
        plan = Plan(config, len(pairs), 1, False)
        args = training_arguments(classifier, config, Path(tempfile.gettempdir()), False)
        self.trainer = NliTrainer(classifier, args, plan, train_set, dict)
        self.trainer.create_optimizer()
        if self.trainer.schedule:
            self.trainer.schedule.updates = plan.updates
        order = list(LengthGrouped(len(pairs), pairs.encoded.lengths, size, 0))
        lengths = pairs.encoded.lengths[order].reshape(-1, size).mean(-1)
        typical = abs(lengths - pairs.encoded.lengths.mean()).argsort()[:batches].tolist()
        rows = [order[at * size : (at + 1) * size] for at in typical]
        self.inputs: Iterator[list[dict[str, Tensor]]] = cycle(
            [[_moved(train_set.collate(each), classifier.device) for each in rows]]
        )

    def __call__(self) -> None:
        trainer = self.trainer
        for inputs in next(self.inputs):
            pairs = torch.tensor(len(inputs["labels"]), device=trainer.classifier.device)
            trainer.training_step(trainer.model, dict(inputs), pairs)
            trainer.accelerator.clip_grad_norm_(trainer.model.parameters(), 1.0)
            trainer.refuse_non_finite()
            trainer.optimizer.step()
            trainer.model.zero_grad()
            trainer.state.global_step += 1


class PublishedStep:
    """Cross-entropy and Captum's attributions in one graph, all rows padded to 128 tokens."""

    def __init__(
        self,
        batches: int = 1,
        size: int = BATCH,
        device: str = "cpu",
        precision: str = "fp32",
        classifier: Classifier | None = None,
    ) -> None:
        own = on_device(classifier or electra_small(), device)
        self.model, self.device, self.precision = own.model.train(), own.device, precision
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=5e-5, fused=True)
        train_set = TrainSet(snli_like(size * _POOL), 128)
        self.inputs = [
            _moved(train_set.collate(list(range(size))), own.device) for _ in range(batches)
        ]

    def __call__(self) -> None:
        for inputs in self.inputs:
            with autocast(self.precision, self.device):
                objective = self._objective(inputs)
            objective.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()

    def _objective(self, inputs: dict[str, Tensor]) -> Tensor:
        mask, labels = inputs["attention_mask"], inputs["labels"]
        loss: Tensor = self.model(
            input_ids=inputs["input_ids"],
            attention_mask=mask,
            token_type_ids=inputs["token_type_ids"],
            labels=labels,
        ).loss
        embeds = self.model.get_input_embeddings()(inputs["input_ids"])
        scores = IntegratedGradients(partial(logits, self.model)).attribute(
            embeds,
            baselines=torch.zeros_like(embeds),
            target=labels,
            additional_forward_args=(mask,),
            n_steps=STEPS,
        )
        variance = scores.sum(-1).var(-1).mean()
        return loss + 0.1 * torch.tanh(10 * variance)


def logits(model: Any, embeds: Tensor, mask: Tensor, types: Tensor | None = None) -> Tensor:
    """Of word embeddings, positional so that Captum can call it."""
    values: Tensor = model(inputs_embeds=embeds, attention_mask=mask, token_type_ids=types).logits
    return values


def _moved(inputs: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    return {name: value.to(device) for name, value in inputs.items()}
