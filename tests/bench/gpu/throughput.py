"""Pairs a second of evaluation and attribution, and how long an epoch of SNLI is."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import transformers

from nliexplorer.attribution.explain import attribution_scores
from nliexplorer.attribution.quadrature import nodes
from nliexplorer.config import load_config
from nliexplorer.inference import predict
from nliexplorer.training.callbacks import StepCallback
from nliexplorer.training.dataset import TrainSet
from nliexplorer.training.interrupt import Interrupt
from nliexplorer.training.nli_trainer import NliTrainer
from nliexplorer.training.plan import Plan
from nliexplorer.training.run import training_arguments
from tests.bench.gpu.context import Measurements, Setup
from tests.bench.models import on_device, snli_like
from tests.training.list_sink import ListSink

#: Training pairs of SNLI with a gold label.
SNLI = 549_367


def rates(setup: Setup) -> Measurements:
    return {
        **{
            f"evaluation {precision}": partial(_evaluation, setup, precision)
            for precision in ("fp32", "bf16")
        },
        **{
            f"attribution, {steps} nodes": partial(_attribution, setup, steps)
            for steps in setup.steps
        },
    }


def _evaluation(setup: Setup, precision: str) -> dict[str, Any]:
    classifier, encoded = on_device(setup.electra, setup.device), snli_like(setup.dev_pairs).encoded
    seconds = setup.seconds(partial(predict, classifier, encoded, precision=precision), rounds=3)
    return _rate(setup, seconds)


def _attribution(setup: Setup, steps: int) -> dict[str, Any]:
    classifier, pairs = on_device(setup.electra, setup.device), snli_like(setup.dev_pairs)
    rule = nodes("gauss-legendre", steps)

    def work() -> None:
        scores = attribution_scores(classifier, pairs.encoded, pairs.labels, rule)
        assert sum(1 for _ in scores) == setup.dev_pairs

    return _rate(setup, setup.seconds(work, rounds=3, most=5.0, warm=1))


def _rate(setup: Setup, seconds: float) -> dict[str, Any]:
    return {
        "pairs": setup.dev_pairs,
        "seconds": seconds,
        "pairs_a_second": setup.dev_pairs / seconds,
        "peak_mib": setup.peak_mib(),
    }


def epochs(setup: Setup) -> Measurements:
    return {
        **{
            f"--preset snli, {objective}": partial(_epoch, setup, objective, {})
            for objective in ("baseline", "ig-variance")
        },
        "--preset snli, ig-variance, whole batch": partial(
            _epoch, setup, "ig-variance", {"penalty_fraction": 1.0}
        ),
        "--preset snli, ig-variance, batch 128": partial(
            _epoch, setup, "ig-variance", {"batch_size": 128}
        ),
    }


def _epoch(setup: Setup, objective: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Of the whole loop, loader and records included, on batches as LengthGrouped makes them."""
    config = replace(load_config("snli"), objective=objective, device=setup.device, **changes)
    if setup.small:
        config = replace(config, batch_size=2)
    unmeasured = max(1, setup.updates // 10)
    updates = setup.updates + unmeasured
    pairs = snli_like(updates * config.batch_size)
    classifier = on_device(setup.electra, setup.device)
    sink = ListSink()
    plan = Plan(config, len(pairs), 1, False)
    with tempfile.TemporaryDirectory() as folder:
        args = training_arguments(classifier, config, Path(folder), False)
        args.max_steps, args.save_strategy = updates, transformers.trainer_utils.SaveStrategy.NO
        trainer = NliTrainer(classifier, args, plan, TrainSet(pairs), dict)
        for printer in (transformers.PrinterCallback, transformers.ProgressCallback):
            trainer.remove_callback(printer)
        trainer.add_callback(StepCallback(plan, trainer, Interrupt(), sink.on_step))
        trainer.train()
    assert len(sink.steps) == updates
    seconds = np.array([step.seconds for step in sink.steps[unmeasured:]])
    whole = -(-SNLI // config.batch_size)
    return {
        "updates_measured": len(seconds),
        "seconds_an_update": float(seconds.mean()),
        "median_seconds": float(np.median(seconds)),
        "updates_an_epoch": whole,
        "minutes_an_epoch": float(seconds.mean()) * whole / 60,
        "peak_mib": setup.peak_mib(),
        "last_loss": sink.steps[-1].total,
    }
