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
from nliexplorer.modeling.load import load_classifier
from nliexplorer.store.reader import StoreReader
from nliexplorer.training.run import train
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.helpers import dynamics_of, parameters_of, same_parameters, settings
from tests.training.list_sink import ListSink
from tests.training.worker import training_set

ROOT = Path(__file__).resolve().parents[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(launcher: list[str], *arguments: str, **environment: str) -> str:
    """Run `-m ARGUMENTS` under a launcher; its stdout."""
    command = [part.replace("PORT", str(_free_port())) for part in launcher]
    done = subprocess.run(
        [sys.executable, "-m", *command, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


TORCHRUN = ["torch.distributed.run", "--nproc_per_node=2", "--standalone"]
#: `--multi_gpu` means several processes: with `--cpu` accelerate would want MPI for that.
ACCELERATE = [
    "accelerate.commands.launch",
    "--multi_gpu",
    "--num_processes=2",
    "--num_machines=1",
    "--main_process_port=PORT",
    "--mixed_precision=no",
    "--dynamo_backend=no",
]
SHARED = {
    "record_dynamics": True,
    "max_steps": 3,
    "alpha": 20.0,
    "lambda_": 5.0,
    "eval_every": 1.0,
}
#: How 16 pairs are split over two processes.
SPLITS = {"plain": {"batch_size": 8}, "accumulated": {"batch_size": 4, "accumulation": 2}}


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path: Path) -> None:
    """3 updates: 2 x 8 (or 2 x 2 x 4) against 1 x 16; V is joined before the tanh bends it."""
    configs = {name: {**SHARED, **values} for name, values in SPLITS.items()}
    launch(TORCHRUN, "tests.training.worker", str(tmp_path), json.dumps(configs))
    shares = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    assert [share["world"] for share in shares] == [2, 2]

    classifier = tiny_classifier()
    logits = predict(classifier, [(example.premise, example.hypothesis) for example in EXAMPLES])
    scores = {
        row: actual.scores
        for row, actual in attribute(classifier, EXAMPLES, steps=4, target="gold")
    }
    owned = sorted(row for share in shares for row in share["own"])
    assert owned == list(range(len(EXAMPLES)))
    assert all(share["own"] for share in shares)
    for share in shares:
        np.testing.assert_allclose(share["logits"], logits, atol=1e-5)
        for row, expected in scores.items():
            np.testing.assert_allclose(share["scores"][row], expected, atol=1e-5)

    sink = ListSink()
    config = settings(**SHARED, batch_size=16)
    result = train(classifier, EXAMPLES * 8, EXAMPLES, config, sink, checkpoint_dir=tmp_path / "1")
    wanted_steps = [(step.ce, step.variance or 0.0) for step in sink.steps]
    for name in configs:
        first, second = (share["runs"][name] for share in shares)
        for actual in (first, second):
            same_parameters(actual["parameters"], parameters_of(classifier))
            assert actual["best"] == result.best_metric
        np.testing.assert_allclose(first["steps"], wanted_steps, rtol=1e-5)
        assert first["evaluations"] == len(sink.evaluations)
        assert first["dynamics"] == {
            place: (pytest.approx(chance, rel=1e-4), right)
            for place, (chance, right) in dynamics_of(sink).items()
        }
        # only the main process reports
        assert (second["steps"], second["evaluations"], second["dynamics"]) == ([], 0, {})


#: Arms that read more than a pair and its label; updates of 8 pairs.
ARMS: dict[str, dict[str, Any]] = {
    "edits": {
        "penalty": "rationale-two-sided",
        "rationales": "counterfactual-edit",
        "contrast": True,
        "gradient_supervision": 2.0,
        "alpha": 0.5,
    },
    "artefacts": {
        "penalty": "rationale",
        "rationales": "all-but-artefacts",
        "ig_path": "outside-rationale",
        "rows": "artefacts",
        "z_threshold": 2.0,
    },
    **{
        name: {"objective": "baseline", "debias": name, "dro_step": 2.0, "jtt_epochs": 2.0}
        for name in ("jtt", "confidence-regularisation", "group-dro", "z-filter")
    },
}


@pytest.mark.slow
def test_every_arm_on_two_processes_equals_one(tmp_path: Path) -> None:
    """2 x 2 pairs, twice accumulated, against 1 x 8; partners and rationales lie unevenly."""
    shared = {"rows": "counterfactuals", "max_steps": 3, "lambda_": 2.0, "lr": 3e-4}
    configs = {
        name: {**shared, **values, "batch_size": 2, "accumulation": 2}
        for name, values in ARMS.items()
    }
    launch(TORCHRUN, "tests.training.worker", str(tmp_path), json.dumps(configs))
    shares = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for name, values in configs.items():
        alone = {**values, "batch_size": 8, "accumulation": 1}
        classifier, sink = tiny_classifier(), ListSink()
        rows = training_set(alone.pop("rows"))
        train(
            classifier,
            rows,
            EXAMPLES,
            settings(**alone),
            sink,
            checkpoint_dir=tmp_path / name / "1",
        )
        first, second = (share["runs"][name]["parameters"] for share in shares)
        assert torch.equal(first, second), name
        same_parameters(first, parameters_of(classifier))
        steps = [(step.ce, step.variance or 0.0) for step in sink.steps]
        np.testing.assert_allclose(shares[0]["runs"][name]["steps"], steps, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_plain_trainer_on_two_processes_equals_one(tmp_path: Path) -> None:
    """2 x 3 rows against 1 x 6, plain datasets: the loss, the clipped gradient, the penalty."""
    (tmp_path / "one").mkdir()
    worker = "tests.training.worker_trainer"
    launch(TORCHRUN, worker, str(tmp_path), "3")
    launch([*TORCHRUN[:1], "--nproc_per_node=1", TORCHRUN[2]], worker, str(tmp_path / "one"), "6")
    first, second, alone = (
        torch.load(tmp_path / name, weights_only=True) for name in ("0.pt", "1.pt", "one/0.pt")
    )
    assert (first["world"], alone["world"]) == (2, 1)
    assert torch.equal(first["parameters"], second["parameters"])
    torch.testing.assert_close(first["parameters"], alone["parameters"], atol=1e-5, rtol=0)
    np.testing.assert_allclose(first["loss"], alone["loss"], rtol=1e-4)


@pytest.mark.slow
def test_a_launched_command_ends_with_one_complete_pair_of_runs(
    tmp_path: Path,
) -> None:
    db = tmp_path / "runs.db"
    output = launch(
        ACCELERATE,
        *("nliexplorer", "train", "--json", "--db", str(db), "--output-dir", str(tmp_path / "m")),
        *("--device", "cpu", "--max-steps", "1", "--set", "eval_every=1", "--ig-steps", "2"),
        *(
            "--set",
            "attribution_steps=4",
            "--train-samples",
            "64",
            "--eval-samples",
            "24",
            "--eval-splits",
            "dev",
        ),
    )
    with StoreReader(db) as reader:
        runs = [reader.runs.get(run_id) for run_id in json.loads(output)["runs"]]
        assert [run.objective for run in runs] == ["baseline", "ig-variance"]
        assert len(reader.runs.all()) == 2
        wrong = set[int]()
        for run in runs:
            assert run.status == "done"
            assert run.summary["training"]["processes"] == 2
            assert run.metrics["dev"].n == 24
            assert [step.step for step in reader.dynamics.steps(run.id)] == [1]
            arrays = reader.predictions.arrays(reader.runs.evaluation(run.id, "dev"))
            wrong |= set(arrays.example_ids[~arrays.correct.astype(bool)].tolist())
            model = load_classifier(run.checkpoint, device="cpu")
            pairs = [
                (each.premise, each.hypothesis)
                for each in reader.examples.by_id(arrays.example_ids.tolist())
            ]
            np.testing.assert_allclose(arrays.logits, predict(model, pairs), atol=1e-5)
        for run in runs:
            assert (
                reader.attributions.done(
                    run.id,
                    method="integrated-gradients",
                    baseline="zero",
                    steps=4,
                    target_kind="gold",
                )
                == wrong
            )
