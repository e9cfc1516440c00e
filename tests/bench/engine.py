"""The engine's speed, each figure a ratio of two things timed in turns on this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nliexplorer.attribution.explain import AUTO_STEPS, Scores, attribution_scores, frozen
from nliexplorer.attribution.quadrature import nodes
from nliexplorer.config import TrainConfig, load_config
from nliexplorer.data.sources import load_split
from nliexplorer.inference import predict
from nliexplorer.modeling.batching import Batch, collate
from nliexplorer.modeling.load import Classifier, load_classifier
from nliexplorer.modeling.tokenizing import encode_pairs
from nliexplorer.training.run import train
from tests.bench.models import electra_small, snli_like
from tests.bench.registry import bench, ratio
from tests.bench.steps import (
    BASELINE,
    EXACT,
    STEPS,
    PublishedStep,
    Stepper,
    logits,
    settings,
)
from tests.training.list_sink import ListSink


@bench("step_exact_10", "see step_exact_vs_products")
def step_exact() -> float:
    """Exact penalty, 10 nodes, whole batch / baseline step, both fp32, memory once taken."""
    exact, baseline = Stepper(settings(**EXACT)), Stepper(settings(**BASELINE))
    return ratio(exact, baseline, rounds=9, warm=4)


@bench("step_exact_vs_products", "<= 1.15")
def step_exact_vs_products() -> float:
    """The same step / its matrix products alone, replayed one after the other."""
    exact = Stepper(settings(**EXACT))
    products = Products()
    with products:
        exact()
    print(f"{'':<28} {len(products)} products, {products.operations / 1e9:,.0f} G operations")
    return ratio(exact, products, rounds=5, warm=2)


class Products(TorchDispatchMode):
    """Records the shapes and strides of every matrix product; a call replays them."""

    _OPERATORS = ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm")

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[tuple[Any, ...], int] = {}
        self._replays: list[tuple[Any, list[Tensor], int]] = []
        self.operations = 0

    def __len__(self) -> int:
        return sum(self._calls.values())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func._schema.name in self._OPERATORS:
            a, b = (each for each in args[-2:])
            layouts = tuple((tuple(each.shape), each.stride()) for each in (a, b))
            key = (a.dim(), layouts)
            self._calls[key] = self._calls.get(key, 0) + 1
            self.operations += 2 * a.numel() * b.shape[-1]
        return func(*args, **(kwargs or {}))

    def __call__(self) -> None:
        if not self._replays:
            for (dimensions, layouts), times in self._calls.items():
                product = torch.bmm if dimensions == 3 else torch.mm
                tensors = [_like(shape, stride) for shape, stride in layouts]
                self._replays.append((product, tensors, times))
        with torch.no_grad():
            for product, tensors, times in self._replays:
                for _ in range(times):
                    product(*tensors)


def _like(shape: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    size = 1 + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
    return torch.randn(size).as_strided(shape, stride)


@bench("step_sampled_10_2", "<= 8")
def step_sampled() -> float:
    """V from 10 nodes, the gradient from 2 of them a pair, whole batch / baseline step, fp32."""
    sampled = settings(**EXACT, ig_estimator="sampled", ig_gradient_steps=2)
    return ratio(Stepper(sampled), Stepper(settings(**BASELINE)), rounds=9, warm=4)


@bench("step_recipe", "<= 3")
def step_recipe() -> float:
    """The penalty as `--preset snli` has it / a baseline step, each at its best precision."""
    recipe = replace(load_config("snli"), objective="ig-variance", device="cpu")
    return ratio(Stepper(recipe), Stepper(replace(recipe, objective="baseline")), rounds=9)


@bench("step_vs_published", ">= 5")
def step_vs_published() -> float:
    """The published code's step (Captum, padded to 128, detached, fp32 as it had it) / ours,
    exact, 10 nodes, at this machine's best precision."""
    return ratio(PublishedStep(), Stepper(settings(**EXACT, precision="auto")), rounds=3)


@bench("evaluate_regularised", "<= 1.03")
def evaluate_regularised() -> float:
    """Evaluating the regularised model / the baseline model, after a step of training each."""
    models = []
    for values in ({**EXACT, "ig_steps": 3}, BASELINE):
        stepper = Stepper(settings(**values), batches=1)
        stepper()
        models.append(stepper.trainer.classifier)
    encoded = snli_like(512).encoded
    return ratio(*(partial(predict, model, encoded) for model in models), rounds=9)


@bench("evaluate_vs_plain_loop", "<= 1.1")
def evaluate_vs_plain_loop() -> float:
    """Evaluating a 22 M-parameter model / its forward passes in a plain loop over batches sorted
    by length."""
    classifier = load_classifier("minilm", device="cpu", fresh_head=True)
    encoded = snli_like(512).encoded
    batches = [
        collate(encoded, order)
        for order in np.array_split(np.argsort(encoded.lengths, kind="stable"), 16)
    ]

    def plain() -> None:
        with torch.inference_mode():
            for batch in batches:
                classifier.model(
                    input_ids=batch.input_ids, attention_mask=batch.attention_mask
                ).logits.numpy()

    classifier.model.eval()
    return ratio(partial(predict, classifier, encoded), plain)


def _ours(classifier: Classifier, pairs: int) -> Callable[[], None]:
    labelled = snli_like(pairs)

    def run() -> None:
        result = attribution_scores(
            classifier, labelled.encoded, labelled.labels, nodes("gauss-legendre", STEPS)
        )
        assert sum(1 for _ in result) == pairs

    return run


def _captum(classifier: Classifier, pairs: int, rows: int, pad_to: int) -> Callable[[], None]:
    labelled = snli_like(pairs)

    def attribute(batch: Batch, labels: Tensor) -> None:
        embeds = classifier.embeddings(batch.input_ids).detach()
        IntegratedGradients(partial(logits, classifier.model)).attribute(
            embeds,
            baselines=torch.zeros_like(embeds),
            target=labels,
            additional_forward_args=(batch.attention_mask, batch.token_type_ids),
            n_steps=STEPS,
            return_convergence_delta=True,
        )

    def run() -> None:
        for start in range(0, pairs, rows):
            selected = range(start, min(pairs, start + rows))
            batch = collate(labelled.encoded, selected, pad_to)
            attribute(batch, torch.from_numpy(labelled.labels[list(selected)]))

    return run


@bench("attribute_vs_captum_one", ">= 1.4")
def attribute_vs_captum_one() -> float:
    """Pairs a second, ours / Captum's one pair at a time, both with the completeness delta."""
    classifier = electra_small()
    return ratio(_captum(classifier, 128, 1, 0), _ours(classifier, 128), rounds=3)


@bench("attribute_vs_captum_padded", ">= 6")
def attribute_vs_captum_padded() -> float:
    """Ours / Captum's in batches of 16 padded to 128 tokens."""
    classifier = electra_small()
    return ratio(_captum(classifier, 64, 16, 128), _ours(classifier, 64), rounds=3)


@bench("attribute_vs_limit", ">= 0.97")
def attribute_vs_limit() -> float:
    """Ours / a twentieth of forward-only pairs a second, both at their best batch."""
    classifier = electra_small()
    encoded = snli_like(256).encoded
    with frozen(classifier):
        best = min((512, 1024, 2048, 4096), key=lambda budget: _seconds(classifier, budget))
        forward = partial(predict, classifier, encoded, token_budget=best)
        return 20 * ratio(forward, _ours(classifier, 256), rounds=3)


def _seconds(classifier: Classifier, budget: int) -> float:
    import time

    encoded = snli_like(256).encoded
    start = time.perf_counter()
    predict(classifier, encoded, token_budget=budget)
    return time.perf_counter() - start


@bench("attribute_cheap", "<= 0.4")
def attribute_cheap() -> float:
    """Attributions within 5 % of 50 nodes (relative L2 over all pairs): the cheapest of plain rules
    and of `--steps auto` / 50 plain nodes.

    Of MiniLM fine-tuned: the checkpoint that NLIEXPLORER_BENCH_MODEL names, else a hundred updates
    on the built-in corpus.
    """
    classifier, pairs, labels = _fine_tuned_minilm()
    encoded = encode_pairs(classifier.tokenizer, pairs, classifier.max_length)

    def scores(steps: int) -> dict[int, Scores]:
        rule = nodes("gauss-legendre", steps) if steps else None
        return dict(attribution_scores(classifier, encoded, labels, rule))

    reference = _joined(scores(50))
    ratios = []
    for steps in (AUTO_STEPS, 10, 16, 20, 24):
        cheap = scores(steps)
        error = float(np.linalg.norm(_joined(cheap) - reference) / np.linalg.norm(reference))
        count = np.mean([each.nodes for each in cheap.values()])
        time = ratio(partial(scores, steps), partial(scores, 50), rounds=3)
        name = f"{steps} nodes" if steps else "auto"
        print(f"{'':<28} {name}: {count:.1f} a pair, error {error:.3f}, {time:.3f} of the time")
        if error <= 0.05:
            ratios.append(time)
    return min(ratios, default=1.0)


def _joined(scores: dict[int, Scores]) -> Any:
    return np.concatenate([scores[row].scores for row in sorted(scores)])


def _fine_tuned_minilm() -> tuple[Classifier, list[tuple[str, str]], Any]:
    """(model, pairs, gold labels) of the built-in corpus."""
    dev = list(load_split("planted", "dev", samples=64))
    checkpoint = os.environ.get("NLIEXPLORER_BENCH_MODEL", "")
    classifier = load_classifier(checkpoint or "minilm", device="cpu", fresh_head=not checkpoint)
    if not checkpoint:
        with tempfile.TemporaryDirectory() as folder:
            train(
                classifier,
                load_split("planted", "train", samples=1600),
                None,
                TrainConfig(lr=1e-4, max_steps=100, device="cpu"),
                ListSink(),
                checkpoint_dir=Path(folder),
            )
    pairs = [(example.premise, example.hypothesis) for example in dev]
    return classifier, pairs, np.array([example.label for example in dev])
