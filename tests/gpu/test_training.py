"""Training on a GPU: as on the CPU, the same twice, after a kill, and where its memory is short."""

from __future__ import annotations

import multiprocessing as mp
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nliexplorer.attribution.explain import attribute
from nliexplorer.inference import predict
from nliexplorer.modeling.load import Classifier
from nliexplorer.training.run import last_checkpoint, train
from tests.bench.models import electra_small, on_device, snli_like
from tests.bench.steps import EXACT, Stepper
from tests.bench.steps import settings as step_settings
from tests.faults.pipeline import PIPELINE, attempt, faults, outcome, prepare
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.helpers import parameters_of, settings
from tests.training.list_sink import ListSink

pytestmark = pytest.mark.gpu

ESTIMATORS = {
    "quadrature": {"ig_estimator": "quadrature"},
    "in pieces": {"ig_estimator": "quadrature", "path_tokens": 64},
    "sampled": {"ig_estimator": "sampled", "ig_steps": 5},
    "pairs": {"ig_estimator": "pairs", "ig_steps": 2, "penalty_fraction": 0.5},
}


def course(
    folder: Path, device: str, dropout: float = 0.0, **values: Any
) -> tuple[ListSink, torch.Tensor]:
    """Six updates from the same weights: (what was reported, the parameters on the CPU)."""
    classifier, sink = on_device(tiny_classifier(dropout=dropout), device), ListSink()
    config = settings(device=device, max_steps=6, alpha=5.0, **values)
    train(classifier, EXAMPLES * 4, EXAMPLES, config, sink, checkpoint_dir=folder)
    return sink, parameters_of(classifier).cpu()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_as_on_the_cpu(device: str, estimator: str, tmp_path: Path) -> None:
    own, _ = course(tmp_path / "a", device, **ESTIMATORS[estimator])
    there, _ = course(tmp_path / "b", "cpu", **ESTIMATORS[estimator])
    for one, other in zip(own.steps, there.steps, strict=True):
        assert one.total == pytest.approx(other.total, rel=1e-3)
        assert one.variance == pytest.approx(other.variance, rel=1e-2)
    first, other = own.steps[0], there.steps[0]  # before any difference could grow
    assert first.ce == pytest.approx(other.ce, rel=1e-4)
    assert first.variance == pytest.approx(other.variance, rel=1e-4)
    assert first.grad_norm == pytest.approx(other.grad_norm, rel=1e-4)


def test_answers_and_scores_as_on_the_cpu(device: str) -> None:
    pairs = [(example.premise, example.hypothesis) for example in EXAMPLES]
    here, there = on_device(tiny_classifier(), device), tiny_classifier()
    np.testing.assert_allclose(predict(here, pairs), predict(there, pairs), atol=1e-4, rtol=1e-4)
    own, right = (dict(attribute(each, EXAMPLES, steps=6)) for each in (here, there))
    for row, one in right.items():
        np.testing.assert_allclose(own[row].scores, one.scores, atol=1e-4, rtol=1e-3)


@pytest.fixture
def deterministic() -> Iterator[None]:
    """Kernels that add in no fixed order are refused, or replaced where there are others."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_same_twice(device: str, estimator: str, tmp_path: Path, deterministic: None) -> None:
    """Bit by bit, dropout and draws included."""
    first, second = (
        course(tmp_path / name, device, dropout=0.1, **ESTIMATORS[estimator]) for name in "ab"
    )
    assert [step.total for step in first[0].steps] == [step.total for step in second[0].steps]
    assert torch.equal(first[1], second[1])


def test_nearly_the_same_twice_by_default(device: str, tmp_path: Path) -> None:
    first, second = (course(tmp_path / name, device, dropout=0.1)[0] for name in "ab")
    for one, other in zip(first.steps, second.steps, strict=True):
        assert one.total == pytest.approx(other.total, rel=1e-4)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_bfloat16_stays_finite_and_near(device: str, estimator: str, tmp_path: Path) -> None:
    exact, _ = course(tmp_path / "a", device, **ESTIMATORS[estimator])
    rough, parameters = course(tmp_path / "b", device, precision="bf16", **ESTIMATORS[estimator])
    assert parameters.isfinite().all()
    first, other = rough.steps[0], exact.steps[0]
    assert first.ce == pytest.approx(other.ce, rel=0.05)
    assert first.variance == pytest.approx(other.variance, rel=0.3)
    assert first.grad_norm == pytest.approx(other.grad_norm, rel=0.3)


def test_killed_and_resumed(device: str, tmp_path: Path) -> None:
    """`kill -9` behind a checkpoint; `train --resume` then ends as an undisturbed run does."""
    commands = [_on(device, command) for command in PIPELINE[:3]]
    train_command = (*commands[0], "--set", "patience=0", "--epochs", "6")
    folders = [tmp_path / name for name in ("whole", "killed")]
    for folder in folders:
        folder.mkdir()
        prepare(folder)
    start = partial(attempt, context=mp.get_context("spawn"))
    whole = start(folders[0], [train_command, *commands[1:]])
    assert whole.code == 0, whole.output
    killed = start(folders[1], [train_command], until=lambda: _checkpointed(folders[1]))
    assert killed.code == -signal.SIGKILL, killed.output
    assert faults(folders[1]) == []
    resumed = start(folders[1], [("train", "--resume", _run_id(folders[1])), *commands[1:]])
    assert resumed.code == 0, resumed.output
    assert "resumed from update" in resumed.output
    assert outcome(folders[1]) == pytest.approx(outcome(folders[0]), abs=1e-3)


def _on(device: str, command: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(device if word == "cpu" else word for word in command)


def _checkpointed(folder: Path) -> bool:
    return any(last_checkpoint(steps) for steps in folder.glob("checkpoints/*/steps"))


def _run_id(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "runs.db")) as plain:
        return str(plain.execute("select id from runs").fetchone()[0])


# -- out of memory, really met


@contextmanager
def short_of_memory(classifier: Classifier, mib: int, tokens: int) -> Iterator[None]:
    """No more than `mib` on top of what is in use; a CPU refuses passes of more than `tokens`."""
    if classifier.device.type != "cuda":
        forward = classifier.model.forward

        def refusing(**inputs: Any) -> Any:
            first = next(each for each in inputs.values() if each is not None)
            if first.shape[0] * first.shape[1] > tokens:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return forward(**inputs)

        classifier.model.forward = refusing
        try:
            yield
        finally:
            del classifier.model.forward
        return
    torch.cuda.empty_cache()
    device = classifier.device
    most = torch.cuda.memory_reserved(device) + (mib << 20)
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(most / total, device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


def _model(device: str) -> Classifier:
    """ELECTRA-small's configuration (on a CPU a toy), without dropout."""
    classifier = on_device(electra_small(small=device == "cpu"), device)
    for module in classifier.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return classifier


def test_predictions_where_memory_is_short(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    classifier = _model(device)
    encoded = snli_like(48 if device == "cpu" else 4000).encoded
    whole = predict(classifier, encoded)
    with short_of_memory(classifier, 256, 200):
        pieces = predict(classifier, encoded)
    np.testing.assert_allclose(pieces, whole, atol=1e-4, rtol=1e-4)
    assert "out of memory: continuing with" in capsys.readouterr().err


@pytest.mark.parametrize("objective", ["baseline", "ig-variance"])
def test_an_update_where_memory_is_short(
    device: str, objective: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half the tokens a pass, as often as it takes: the same update."""
    config = replace(
        step_settings(**EXACT, device=device),
        objective=objective,
        batch_size=4 if device == "cpu" else 512,
        ig_steps=3,
    )
    whole, short = (Stepper(config, classifier=_model(device)) for _ in range(2))
    whole()
    with short_of_memory(short.trainer.classifier, 1024, 60):
        short()
    assert "out of memory: continuing with" in capsys.readouterr().err
    own, right = (
        nn.utils.parameters_to_vector(each.trainer.model.parameters()).double()
        for each in (short, whole)
    )
    assert float((own - right).norm() / right.norm()) < 1e-4
