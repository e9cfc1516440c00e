"""Reading commands on a three-way run, a two-way head and a chat model with unread answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.records import NON_ENTAILMENT, UNKNOWN, Example, Prediction
from nliexplorer.store.writer import StoreWriter
from tests.cli.conftest import Call
from tests.databases import pairs, whole_words

N, UNLABELLED, UNREAD = 60, 5, 9
COMMANDS = [
    "runs list",
    "runs show two",
    "runs show chat",
    "examples chat --attributions",
    "examples two --attributions",
    "errors chat --where hypothesis-only:wrong",
    "compare three two",
    "compare two three --json",
    "compare three chat",
    "calibration two",
    "slices two three --by predicted",
    "slices chat --by gold",
    "slices chat --by hypothesis-only",
    "export two --out two.csv",
    "export two --out two.jsonl",
    "export chat --out chat.csv",
    "export chat --out chat.jsonl",
    "report two three --out report",
    "explore two three --once compare",
    "explore chat two --once examples",
    "explore two chat --once calibration",
]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    some = pairs(N)
    split = N - UNLABELLED
    examples = [
        *some[:split],
        *(Example(each.premise, each.hypothesis, None) for each in some[split:]),
    ]
    shares = np.random.default_rng(0).dirichlet((1.0, 1.0, 1.0), N).tolist()
    runs = {
        "three": [Prediction(int(np.argmax(p)), None, tuple(p)) for p in shares],
        "two": [
            Prediction(0 if p[0] > 0.5 else NON_ENTAILMENT, None, (p[0], 1 - p[0])) for p in shares
        ],
        "chat": [
            Prediction(None if i < UNREAD else i % 3, answer="Perhaps.", explanation="As it is.")
            for i in range(N)
        ],
    }
    path = tmp_path / "runs.db"
    with StoreWriter(path) as writer:
        for name, predictions in runs.items():
            run = writer.create_run(name=name, objective="imported", data="d", model="m").id
            metrics = compute_metrics(
                [each.gold for each in examples],
                predicted=[UNKNOWN if p.predicted is None else p.predicted for p in predictions],
                probabilities=[p.probabilities for p in predictions] if name != "chat" else None,
            )
            ids = writer.store_evaluation(run, "dev", examples, predictions, metrics)
            writer.add_attributions(
                run,
                [
                    (row, whole_words(example, row, 0), "label", None)
                    for row, example in zip(ids[::2], examples[::2], strict=True)
                ],
            )
            writer.finish_run(run, status="done")
    return path


def test_every_reading_command_takes_them(call: Call, database: Path) -> None:
    for command in COMMANDS:
        result = call(*command.split())
        assert (command, result.code, result.err if result.code else "") == (command, 0, "")


def test_json_says_what_is_missing(call: Call, database: Path) -> None:
    rows = call("examples", "chat", "--json").json
    assert [row["predicted"] is None for row in rows] == [i < UNREAD for i in range(N)]
    assert [row["gold"] is None for row in rows] == [i >= N - UNLABELLED for i in range(N)]
    metrics = next(run for run in call("runs", "list", "--json").json if run["name"] == "chat")
    dev = metrics["metrics"]["dev"]
    assert (dev["n"], dev["unanswered"], dev["unlabelled"]) == (N, UNREAD, UNLABELLED)
    two = call("examples", "two", "--json").json
    assert {row["predicted"] for row in two} == {"entailment", "non-entailment"}
    assert set(two[0]["probabilities"]) == {"entailment", "non-entailment"}
