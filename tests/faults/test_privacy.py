"""Secrets stay in the environment; what is stored repeats a run; the hub is asked only if there."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.config import PRESETS, TrainConfig, load_config
from nliexplorer.errors import NliError
from nliexplorer.modeling import checkpoints
from nliexplorer.privacy import without_secrets
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow import train
from nliexplorer.workflow.provenance import repeating_command
from tests.cli.conftest import Call
from tests.faults.pipeline import prepare

SECRET = "hf_ThisIsNobodysBusiness"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setenv("SOME_API_KEY", "sk-another-secret")
    return SECRET


def test_values_of_secret_variables_become_their_names(secret: str) -> None:
    output = without_secrets(f"--data hf:x/{secret} and sk-another-secret")
    assert output == "--data hf:x/$HF_TOKEN and $SOME_API_KEY"


def test_a_password_in_a_url_is_hidden(secret: str) -> None:
    url = "postgresql+psycopg://me:{}@host:5432/optuna"
    said = without_secrets(f"study --storage {url.format('a-b_c:d')} --jobs 1")
    assert said == f"study --storage {url.format('***')} --jobs 1"
    assert without_secrets(url.format(secret)) == url.format("$HF_TOKEN")
    for harmless in ("https://host:80/a@b", "sqlite:///study.db", "mail me@host: a:b@c"):
        assert without_secrets(harmless) == harmless


def test_no_secret_reaches_log_or_database(
    call: Call, tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not from the environment, not from an error that repeats it, not as it was typed."""
    prepare(tmp_path)
    flags = ["train", "--objective", "baseline", "--data", "data", "--model", "model"]
    flags += ["--name", "x", "--device", "cpu", "--set", "eval_splits=['dev']"]
    monkeypatch.setattr(sys, "argv", ["nliexplorer", *flags, "--set", f"x={secret}"])

    def fails(*_: object, **__: object) -> None:
        raise NliError(f"the hub says: {secret} is not valid", "log in")

    monkeypatch.setattr(train, "train_model", fails)
    outcome = call(*flags)
    assert outcome.code == 1
    assert "the hub says: $HF_TOKEN is not valid" in outcome.err
    assert secret not in outcome.err + outcome.out
    with StoreReader(tmp_path / "runs.db") as reader:
        run = reader.runs.get("x")
        assert "$HF_TOKEN is not valid" in run.summary["error"]
        assert "x=$HF_TOKEN" in run.summary["typed"]
    for path in tmp_path.glob("runs.db*"):
        assert secret.encode() not in path.read_bytes()


def test_an_absent_hub_is_told_at_once_with_cache_and_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    asked = []
    monkeypatch.setattr(checkpoints, "answers", asked.append)
    with pytest.raises(NliError, match="does not answer") as caught:
        checkpoints.locate("someone/never-fetched")
    assert asked == ["hf:"]  # once, before any download is tried
    assert "not in the cache /" in caught.value.message
    assert "local folder" in caught.value.hint


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lr": 3e-4, "eval_splits": ("dev", "o'neil"), "attribute": False, "alpha": "auto"},
        {"objective": "ig-variance", "lambda_": 0.25, "data": "/a b/c", "seed": 7, "max_steps": 9},
    ],
)
def test_the_stored_command_gives_the_same_configuration(
    call: Call, monkeypatch: pytest.MonkeyPatch, preset: str, changes: dict[str, object]
) -> None:
    expected = replace(load_config(preset), name="", **changes)  # type: ignore[arg-type]
    seen: list[TrainConfig] = []

    def record(configs: list[TrainConfig], *_: object, **__: object) -> list[str]:
        seen.extend(configs)
        return ["00000000"]

    monkeypatch.setattr(train, "train_all", record)
    program, *arguments = shlex.split(repeating_command(expected))
    outcome = call(*arguments)
    assert (program, outcome.code) == ("nliexplorer", 0), outcome.err
    assert seen == [expected]


def test_the_command_that_runs_show_prints_gives_the_same_predictions(
    call: Call, tmp_path: Path
) -> None:
    prepare(tmp_path)
    (tmp_path / "arm.toml").write_text("epochs = 2\nlr = 1e-3\nbatch_size = 12\n")
    flags = ("--objective", "ig-variance", "--model", "model", "--data", "data", "--device", "cpu")
    more = ("--ig-steps", 2, "--set", "eval_splits=['dev']", "--no-attributions", "--name", "one")
    first = call("train", "--config", "arm.toml", *flags, *more)
    assert first.code == 0, first.err
    (tmp_path / "arm.toml").unlink()
    shown = call("runs", "show", "one", "--json").json
    assert shown["summary"]["git"] or not (Path(__file__).parents[2] / ".git").exists()
    assert shown["summary"]["versions"]["torch"]
    assert len(shown["summary"]["data"]["train"]["fingerprint"]) == 32
    again = call(*shlex.split(shown["command"])[1:], "--json")
    assert again.code == 0, again.err
    with StoreReader(tmp_path / "runs.db") as reader:
        one, other = (
            reader.predictions.arrays(reader.runs.evaluation(ref, "dev"))
            for ref in ("one", again.json["runs"][0])
        )
    np.testing.assert_array_equal(one.logits, other.logits)
