"""Two gloo processes give what one gives: training, prediction, attribution."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nliexplorer.attribution.explain import attribute
from nliexplorer.inference import predict
from nliexplorer.training.run import train
from nliexplorer.training.sink import ListSink
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.helpers import dynamics_of, parameters_of, same_parameters, settings

ROOT = Path(__file__).resolve().parents[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(
    folder: Path, values: dict[str, Any], launcher: list[str], processes: int = 2
) -> list[dict[str, Any]]:
    """Run `worker.py` in some processes and give what each saved."""
    port = str(_free_port())
    command = [arg.replace("PORT", port) for arg in launcher]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            *command,
            "-m",
            "tests.training.worker",
            str(folder),
            json.dumps(values),
        ],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(processes)]


TORCHRUN = ["torch.distributed.run", "--nproc_per_node=2", "--master_port=PORT"]
#: On a CPU `accelerate launch` starts more than one process through MPI alone.
ACCELERATE = [
    "accelerate.commands.launch",
    "--cpu",
    "--num_processes=1",
    "--num_machines=1",
    "--num_cpu_threads_per_process=1",
    "--main_process_port=PORT",
    "--mixed_precision=no",
    "--dynamo_backend=no",
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [{"batch_size": 8}, {"batch_size": 4, "accumulation": 2}],
    ids=["plain", "accumulated"],
)
def test_two_processes_equal_one(tmp_path: Path, values: Any) -> None:
    """3 updates: 2 x 8 (or 2 x 2 x 4) against 1 x 16; V is joined before the tanh bends it."""
    shared = {
        "record_dynamics": True,
        "max_steps": 3,
        "alpha": 20.0,
        "lambda_": 5.0,
        "eval_every": 1,
    }
    shares = launch(tmp_path, {**shared, **values}, TORCHRUN)

    classifier = tiny_classifier()
    pairs = [(example.premise, example.hypothesis) for example in EXAMPLES]
    logits = predict(classifier, pairs)
    scores = {
        row: found.scores for row, found in attribute(classifier, EXAMPLES, steps=4, target="gold")
    }
    sink = ListSink()
    config = settings(**{**shared, **values, "batch_size": 16, "accumulation": 1})
    result = train(classifier, EXAMPLES * 8, EXAMPLES, config, sink, checkpoint_dir=tmp_path / "1")

    assert [share["world"] for share in shares] == [2, 2]
    owned = sorted(row for share in shares for row in share["own"])
    assert owned == list(range(len(EXAMPLES)))
    assert all(share["own"] for share in shares)
    for share in shares:
        np.testing.assert_allclose(share["logits"], logits, atol=1e-5)
        for row, wanted in scores.items():
            np.testing.assert_allclose(share["scores"][row], wanted, atol=1e-5)
        same_parameters(share["parameters"], parameters_of(classifier))
        assert share["best"] == result.best_metric
    assert shares[1]["steps"] == []  # only the main process reports
    wanted_steps = [(step.ce, step.variance or 0.0) for step in sink.steps]
    np.testing.assert_allclose(shares[0]["steps"], wanted_steps, rtol=1e-5)
    assert shares[1]["dynamics"] == {}
    assert shares[0]["dynamics"] == {
        place: (pytest.approx(chance, rel=1e-4), right)
        for place, (chance, right) in dynamics_of(sink).items()
    }
    assert len(shares[0]["evaluations"]) == len(sink.evaluations)


@pytest.mark.slow
def test_accelerate_launches_it(tmp_path: Path) -> None:
    (share,) = launch(tmp_path, {"max_steps": 1, "batch_size": 8}, ACCELERATE, processes=1)
    assert share["world"] == 1
    assert len(share["steps"]) == 1
