"""Out of memory: smaller batches, the same figures, and a word about it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nliexplorer.attribution.methods import attribute
from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling.load import Classifier
from nliexplorer.training.run import train
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.helpers import settings
from tests.training.list_sink import ListSink

pytestmark = pytest.mark.slow

PAIRS = [(example.premise, example.hypothesis) for example in EXAMPLES] * 3


class _Small(torch.nn.Module):
    """A model on a device that holds `room` tokens in one pass."""

    def __init__(self, model: Any, room: int) -> None:
        super().__init__()
        self.inner, self.room, self.failed = model, room, 0

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.inner, name)

    def forward(self, **inputs: Any) -> Any:
        tensor = (
            inputs["input_ids"] if inputs.get("input_ids") is not None else inputs["inputs_embeds"]
        )
        if tensor.shape[0] * tensor.shape[1] > self.room:
            self.failed += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return self.inner(**inputs)


def _small(room: int) -> Classifier:
    classifier = tiny_classifier()
    return replace(classifier, model=_Small(classifier.model, room).eval())


def test_predictions_go_on_in_smaller_batches(capsys: pytest.CaptureFixture[str]) -> None:
    small = _small(100)
    np.testing.assert_allclose(predict(small, PAIRS), predict(tiny_classifier(), PAIRS), atol=1e-5)
    assert small.model.failed == 4  # 1024, 512, 256 and 128 tokens
    messages = capsys.readouterr().err
    assert "out of memory: continuing with 512 instead of 1024 tokens per pass" in messages
    assert "with 64 instead of 128" in messages


@pytest.mark.parametrize("method", ["integrated-gradients", "saliency"])
def test_attributions_too(method: str) -> None:
    expected, result = (
        dict(attribute(classifier, EXAMPLES, method=method, steps=3))
        for classifier in (tiny_classifier(), _small(70))
    )
    assert result.keys() == expected.keys()
    for row, one in expected.items():
        np.testing.assert_allclose(result[row].scores, one.scores, rtol=1e-5, atol=1e-5)


def test_where_one_pair_is_too_much_it_is_told() -> None:
    with pytest.raises(
        NliError, match=r"out of memory even with 32 tokens per pass \(a pair of"
    ) as e:
        predict(_small(3), PAIRS)
    assert "max_length" in e.value.hint


def _course(classifier: Classifier, folder: Path, **changes: Any) -> ListSink:
    sink = ListSink()
    train(
        classifier,
        EXAMPLES * 2,
        None,
        settings(max_steps=2, **changes),
        sink,
        checkpoint_dir=folder,
    )
    return sink


def _forgetful(room: int, monkeypatch: pytest.MonkeyPatch) -> Classifier:
    """A classifier whose own model (the trainer saves it) runs out of memory over `room`."""
    classifier = tiny_classifier()
    forward: Callable[..., Any] = classifier.model.forward

    def limited(**inputs: Any) -> Any:
        tensor = (
            inputs["input_ids"] if inputs.get("input_ids") is not None else inputs["inputs_embeds"]
        )
        if tensor.shape[0] * tensor.shape[1] > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(**inputs)

    monkeypatch.setattr(classifier.model, "forward", limited)
    return classifier


@pytest.mark.parametrize("objective", ["baseline", "ig-variance"])
def test_training_goes_on_with_the_same_gradients(
    tmp_path: Path, objective: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _course(tiny_classifier(), tmp_path / "a", objective=objective)
    small = _course(_forgetful(60, monkeypatch), tmp_path / "b", objective=objective)
    for one, other in zip(whole.steps, small.steps, strict=True):
        assert other.ce == pytest.approx(one.ce, abs=1e-5)
        assert other.grad_norm == pytest.approx(one.grad_norm, rel=1e-4)
        assert (other.variance is None) == (one.variance is None)
    assert any("out of memory" in line for line in small.log)
    assert not any("out of memory" in line for line in whole.log)


def test_accumulated_gradients_are_not_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a later micro-batch a half-done backward pass can't be told from what was there."""
    classifier = _forgetful(150, monkeypatch)
    first, calls = classifier.model.forward, []

    def later(**inputs: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return first(**inputs)

    monkeypatch.setattr(classifier.model, "forward", later)
    with pytest.raises(NliError, match="out of memory on 3 pairs") as caught:
        _course(classifier, tmp_path, objective="baseline", batch_size=3, accumulation=2)
    assert "--batch-size" in caught.value.hint


_ROUNDS = """
import resource, torch
from nliexplorer.modeling.memory import keep_freed_memory

def faults(rounds=5, bytes=64 << 20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        torch.ones(bytes // 4)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
keep_freed_memory()
faults()  # the heap grows until it holds the block
print(before, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone is asked")
def test_freed_memory_is_used_again_without_asking_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ROUNDS], capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    if before < 1000:
        pytest.skip(f"this system takes large blocks without page faults ({before})")
    assert after < before / 10
