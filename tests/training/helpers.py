"""What the training tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nliexplorer.config import TrainConfig
from nliexplorer.modeling.load import Classifier
from nliexplorer.records import Example
from nliexplorer.training.dataset import TrainSet, tokenise
from nliexplorer.training.path_penalty import PathPenalty
from nliexplorer.training.run import TrainResult, train
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.list_sink import ListSink


def settings(**values: Any) -> TrainConfig:
    """A penalised configuration small enough for tests."""
    plain: dict[str, Any] = {
        "objective": "ig-variance",
        "batch_size": 4,
        "epochs": 1.0,
        "lr": 1e-3,
        "ig_steps": 3,
        "device": "cpu",
    }
    return TrainConfig(**{**plain, **values})


def inputs_of(classifier: Classifier, examples: tuple[Example, ...] = EXAMPLES) -> dict[str, Any]:
    """One micro-batch of the examples."""
    pairs = tokenise(classifier, examples)
    return TrainSet(pairs).collate(list(range(len(pairs))))


def penalty_of(classifier: Classifier, **values: Any) -> PathPenalty:
    return PathPenalty(classifier, settings(**values))


def flat(gradients: list[Tensor | None], parameters: list[Any]) -> Tensor:
    """All gradients as one vector, zero where there is none."""
    return torch.cat(
        [
            (torch.zeros_like(p) if g is None else g).flatten()
            for g, p in zip(gradients, parameters, strict=True)
        ]
    )


def run(folder: Path, dropout: float = 0.0, **values: Any) -> tuple[TrainResult, ListSink, Tensor]:
    """A whole run from a fresh tiny model: (result, what the sink got, final parameters)."""
    classifier = tiny_classifier(dropout=dropout)
    sink = ListSink()
    result = train(
        classifier, EXAMPLES * 4, EXAMPLES, settings(**values), sink, checkpoint_dir=folder
    )
    return result, sink, parameters_of(classifier)


def dynamics_of(*sinks: ListSink) -> dict[tuple[int, int], tuple[float, bool]]:
    """(epoch, row): (P(gold), right), the later of two that say the same, as the store keeps it."""
    return {
        (seen.epoch, int(row)): (float(chance), bool(right))
        for sink in sinks
        for seen in sink.dynamics
        for row, chance, right in zip(seen.rows, seen.gold_probability, seen.correct, strict=True)
    }


def same_parameters(actual: Tensor, expected: Tensor) -> None:
    """All within 1e-5, but for the keys' biases: softmax cancels them, so that their gradient is
    rounding noise alone, which Adam scales to whole steps."""
    model = tiny_classifier().model
    compared = torch.cat(
        [
            torch.full((parameter.numel(),), "key.bias" not in name)
            for name, parameter in model.named_parameters()
        ]
    )
    torch.testing.assert_close(actual[compared], expected[compared], atol=1e-5, rtol=0)


def parameters_of(classifier: Classifier) -> Tensor:
    return torch.nn.utils.parameters_to_vector(classifier.model.parameters()).detach().clone()
