"""The same figures as on the CPU: relative errors of norms, each with its bound."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from nliexplorer.attribution.integrated_gradients import integrated_gradients
from nliexplorer.attribution.quadrature import nodes
from nliexplorer.modeling.devices import autocast
from nliexplorer.modeling.load import Classifier
from nliexplorer.training.dataset import TrainSet
from nliexplorer.training.path_penalty import PathPenalty
from tests.bench.gpu.context import Measurements, Setup
from tests.bench.models import on_device, snli_like
from tests.bench.steps import EXACT, STEPS, Stepper, settings

#: Largest |device - CPU| / |CPU| (2-norms). In fp32 rounding alone, another order of summation; in
#: bfloat16 (8 bits) its error through all layers, twice for gradients of gradients.
BOUNDS = {
    "fp32": dict.fromkeys(("logits", "scores", "V", "gradient", "updated"), 1e-4),
    "bf16": {"logits": 0.05, "scores": 0.1, "V": 0.2, "gradient": 0.3, "updated": 1e-2},
}


def measurements(setup: Setup) -> Measurements:
    models = {"electra-small": setup.electra, "trained": setup.trained}
    return {
        f"{name} {precision}": partial(compared, setup, model, precision)
        for name, model in models.items()
        if model is not None
        for precision in BOUNDS
    }


def compared(setup: Setup, classifier: Classifier, precision: str) -> dict[str, Any]:
    """Errors of the device's figures in `precision` to the CPU's in fp32, and whether all keep
    their bounds."""
    torch.set_float32_matmul_precision("highest")  # no TF32
    pairs = 4 if setup.small else 8
    expected = _reference(classifier, pairs)
    own = figures(classifier, setup.device, precision, pairs)
    errors = {name: relative(own[name], value) for name, value in expected.items()}
    bounds = BOUNDS[precision]
    kept = all(error <= bounds[name] for name, error in errors.items())
    return {"errors": errors, "bounds": bounds, "within": kept}


@cache
def _reference(classifier: Classifier, pairs: int) -> dict[str, Tensor]:
    return figures(classifier, "cpu", "fp32", pairs)


def figures(classifier: Classifier, device: str, precision: str, pairs: int) -> dict[str, Tensor]:
    """Logits, attribution scores, V, its parameter gradient, and the parameters after an update of
    the whole objective, without dropout; on the CPU, float64."""
    own = _without_dropout(on_device(classifier, device))
    config = settings(**EXACT, batch_size=pairs, device=device, precision=precision)
    train_set = TrainSet(snli_like(pairs))
    batch = train_set.collate(range(pairs))
    inputs = {name: value.to(own.device) for name, value in batch.items()}
    penalty = PathPenalty(own, config, precision=precision)
    task = penalty.task(inputs, torch.Generator())
    with penalty.path_mode():
        (scores,) = integrated_gradients(
            task.forward,
            replace(task.path, inputs=task.path.inputs.detach()),
            nodes(config.ig_rule, STEPS),
            chunk_tokens=task.chunk_tokens,
        )
    features = {name: inputs[name] for name in ("attention_mask", "token_type_ids")}
    with torch.no_grad(), autocast(precision, own.device):
        logits = own.logits(input_ids=inputs["input_ids"], **features)
    stepper = Stepper(config, classifier=own)
    stepper()
    parameters = stepper.trainer.model.parameters()
    values = {
        "logits": logits,
        "scores": scores,
        "V": penalty.value(inputs, STEPS).mean(),
        "gradient": penalty.gradient(inputs, STEPS),
        "updated": nn.utils.parameters_to_vector(parameters),
    }
    return {name: value.detach().double().cpu() for name, value in values.items()}


def _without_dropout(classifier: Classifier) -> Classifier:
    """Devices draw differently from one seed."""
    model = copy.deepcopy(classifier.model)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return replace(classifier, model=model)


def relative(value: Tensor, expected: Tensor) -> float:
    """|value - expected| / |expected|; infinite where `value` is not finite."""
    error = float((value - expected).norm() / expected.norm().clamp_min(1e-30))
    return error if error == error else float("inf")
