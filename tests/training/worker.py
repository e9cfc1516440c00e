"""One process of a distributed run, started by torchrun from `test_processes.py`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from nliexplorer import processes
from nliexplorer.attribution.explain import attribute
from nliexplorer.inference import predict
from nliexplorer.records import Example
from nliexplorer.training.run import train
from tests.bench.models import on_device
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.counterfactuals import COUNTERFACTUALS, ORDINARY, WITH_ARTEFACTS
from tests.training.helpers import dynamics_of, parameters_of, settings
from tests.training.list_sink import ListSink


def main() -> None:
    folder, configs = Path(sys.argv[1]), json.loads(sys.argv[2])
    device = sys.argv[3] if len(sys.argv) > 3 else "cpu"
    if device == "cpu":
        processes.start(cpu=True)
    else:
        dist.init_process_group("gloo")  # the caller's own, which is kept
    rank = processes.rank_and_world()[0]
    classifier = on_device(tiny_classifier(), device)
    pairs = [(example.premise, example.hypothesis) for example in EXAMPLES]
    logits = predict(classifier, pairs, token_budget=30)
    mine = list(attribute(classifier, EXAMPLES, steps=4, target="gold", token_budget=30))
    everyone = processes.gather_lists(mine)
    torch.save(
        {
            "world": processes.rank_and_world()[1],
            "logits": torch.from_numpy(logits),
            "own": [row for row, _ in mine],
            "scores": {row: list(result.scores) for row, result in everyone},
            "runs": {name: _run(folder / name, each, device) for name, each in configs.items()},
        },
        folder / f"{rank}.pt",
    )
    processes.stop()


def training_set(name: str) -> Sequence[Example]:
    """What a run trains on, by name: functions do not travel to another process."""
    return {
        "examples": EXAMPLES * 8,
        "counterfactuals": (*COUNTERFACTUALS, *ORDINARY),
        "artefacts": WITH_ARTEFACTS * 6,
    }[name]


def _run(folder: Path, values: dict[str, Any], device: str) -> dict[str, Any]:
    classifier, sink = on_device(tiny_classifier(), device), ListSink()
    rows = training_set(values.pop("rows", "examples"))
    config = settings(**values, device=device)
    result = train(classifier, rows, EXAMPLES, config, sink, checkpoint_dir=folder)
    return {
        "parameters": parameters_of(classifier),
        "steps": [(step.ce, step.variance or 0.0) for step in sink.steps],
        "evaluations": len(sink.evaluations),
        "best": result.best_metric,
        "dynamics": dynamics_of(sink),
    }


if __name__ == "__main__":
    main()
