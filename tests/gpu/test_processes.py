"""Several processes and one GPU: refused by the command line, right where they talk by gloo."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nliexplorer.training.run import train
from tests.bench.models import on_device
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.helpers import parameters_of, same_parameters, settings
from tests.training.list_sink import ListSink
from tests.training.test_processes import SHARED, SPLITS, TORCHRUN, launch

pytestmark = pytest.mark.gpu


def test_two_processes_on_one_gpu_are_refused(gpu: str, tmp_path: Path) -> None:
    if torch.cuda.device_count() > 1:
        pytest.skip("there is a GPU for each of two processes")
    database = tmp_path / "runs.db"
    command = ("nliexplorer", "train", "--db", str(database), "--device", "cuda")
    with pytest.raises(AssertionError, match="2 processes were started for 1 GPU"):
        launch(TORCHRUN, *command, "--max-steps", "1")
    assert not database.exists()


def test_two_processes_by_gloo_equal_one(device: str, tmp_path: Path) -> None:
    """A group that the caller started: 2 x 8 pairs on one device against 1 x 16."""
    config = {**SHARED, **SPLITS["plain"]}
    worker = ("tests.training.worker", str(tmp_path), json.dumps({"plain": config}), device)
    launch(TORCHRUN, *worker, ACCELERATE_BYPASS_DEVICE_MAP="true")
    first, second = (
        torch.load(tmp_path / f"{rank}.pt", weights_only=True)["runs"]["plain"] for rank in range(2)
    )
    classifier, sink = on_device(tiny_classifier(), device), ListSink()
    alone = settings(**SHARED, batch_size=16, device=device)
    train(classifier, EXAMPLES * 8, EXAMPLES, alone, sink, checkpoint_dir=tmp_path / "1")
    for share in (first, second):
        same_parameters(share["parameters"].cpu(), parameters_of(classifier).cpu())
    steps = [(step.ce, step.variance or 0.0) for step in sink.steps]
    np.testing.assert_allclose(first["steps"], steps, rtol=1e-4)
