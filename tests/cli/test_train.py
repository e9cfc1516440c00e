"""`train`, `evaluate`, `explain`: flags, errors, and one small journey on the built-in corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nliexplorer.workflow import train
from tests.cli.conftest import Call

SMALL = ("--train-samples", 64, "--eval-samples", 24, "--max-steps", 3, "--set", "eval_every=3")


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[train.TrainConfig]:
    """The configurations `train` would run."""
    seen: list[train.TrainConfig] = []

    def record(configs: list[train.TrainConfig], *_: object, **__: object) -> list[str]:
        seen.extend(configs)
        return ["00000000"] * len(configs)

    monkeypatch.setattr(train, "train_all", record)
    return seen


def test_default_is_both_models_by_the_quick_preset(
    call: Call, planned: list[train.TrainConfig]
) -> None:
    assert call("train").code == 0
    assert [config.objective for config in planned] == ["baseline", "ig-variance"]
    assert {config.model for config in planned} == {"tiny"}
    assert {config.seed for config in planned} == {0}


def test_real_model_starts_from_the_papers_settings(
    call: Call, planned: list[train.TrainConfig]
) -> None:
    assert call("train", "--data", "snli", "--lambda", 0.3, "--alpha", "auto").code == 0
    config = planned[1]
    assert (config.model, config.lr) == ("google/electra-small-discriminator", 5e-5)
    assert (config.lambda_, config.alpha, config.ig_steps) == (0.3, "auto", 10)


def test_seeds_multiply_runs_and_share_everything_else(
    call: Call, planned: list[train.TrainConfig]
) -> None:
    call("train", "--objective", "ig-variance", "--seed", 1, "--seed", 2)
    assert [(config.objective, config.seed) for config in planned] == [
        ("ig-variance", 1),
        ("ig-variance", 2),
    ]


def test_config_file_says_the_objective_and_flags_win(
    call: Call, planned: list[train.TrainConfig], tmp_path: Path
) -> None:
    file = tmp_path / "arm.toml"
    file.write_text('objective = "baseline"\nepochs = 7\nlr = 1e-4\n', "utf-8")
    call("train", "--config", file, "--lr", 1e-3)
    assert [(c.objective, c.epochs, c.lr) for c in planned] == [("baseline", 7.0, 1e-3)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--lambda", -1), "lambda = -1.0 is out of range"),
        (("--alpha", "lots"), "--alpha lots"),
        (("--ig-steps", 0), "ig-steps = 0 is out of range"),
        (("--preset", "fast"), "unknown preset"),
        (("--set", "lamda=3"), "did you mean 'lambda'"),
        (("--set", "patience"), "not KEY=VALUE"),
        (("--seed", 1, "--seed", 1), "twice"),
        (("--penalty", "vibes"), "vibes"),
        (("--penalty", "stopwords", "--ig-estimator", "pairs"), "needs a quadratic penalty"),
        (("--alpha", 0), "alpha = 0 turns the penalty off"),
        (("--set", "penalty_fraction=1.5"), "penalty-fraction = 1.5 is out of range"),
        (("--data", "nowhere/at/all.jsonl"), "nowhere/at/all.jsonl"),
        (("--model", "nowhere/at/all", "--data", "planted"), "nowhere/at/all"),
        (("--config", "missing.toml"), "missing.toml"),
        (("--device", "quantum"), "quantum"),
    ],
)
def test_bad_input_is_two_lines_and_leaves_no_run(
    call: Call, tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    outcome = call("train", *SMALL, *arguments)
    assert outcome.code == 1
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    db = tmp_path / "runs.db"
    runs = json.loads(call("runs", "list", "--json").out) if db.exists() else []
    assert runs == []


def test_a_folder_that_cannot_be_written_is_told_before_any_run(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    outcome = call("train", *SMALL, "--output-dir", "file")
    assert outcome.code == 1
    assert "cannot write into file" in outcome.err
    assert not (tmp_path / "runs.db").exists()


def test_train_evaluate_explain(call: Call) -> None:
    trained = call("train", *SMALL, "--objective", "baseline", "--name", "small", "--json")
    assert trained.code == 0, trained.err
    (run_id,) = trained.json["runs"]

    evaluated = call("evaluate", "small", "--split", "clean", "--eval-samples", 12, "--json")
    assert evaluated.json == {"runs": [run_id]}
    (run,) = call("runs", "list", "--json").json
    assert run["metrics"]["clean"]["n"] == 12

    pair = ("--premise", "A man is sleeping.", "--hypothesis", "A person is awake.")
    (explained,) = call("explain", "small", *pair, "--target", "neutral", "--json").json
    assert explained["run"] == "small"
    assert explained["target"] == "neutral"
    assert sum(explained["probabilities"].values()) == pytest.approx(1)
    assert [t["token"] for t in explained["tokens"] if t["segment"] == "hypothesis"][-1] == "."
    assert "against neutral" in call("explain", "small", *pair, "--target", "neutral").out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--report-to", "wandb"), "needs the package wandb, which is not installed"),
        (("--report-to", "paper"), "unknown tracker"),
        (("--ig-estimator", "magic"), "unknown estimator: 'magic'"),
        (("--ig-estimator", "sampled", "--ig-gradient-steps", 4), "more than the 3 nodes"),
    ],
    ids=str,
)
def test_trackers_and_estimators_are_checked_before_anything_is_written(
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[object, ...],
    message: str,
) -> None:
    monkeypatch.setattr("nliexplorer.training.reporting.find_spec", lambda _: None)
    db = tmp_path / "new.db"
    result = call("train", *flags, "--db", db)
    assert result.code == 1
    assert message in result.err
    assert len(result.err.strip().splitlines()) == 2
    assert not db.exists()


def test_empty_hypothesis_is_refused(call: Call, database: Path) -> None:
    outcome = call("explain", "first", "--premise", "A man.", "--hypothesis", " ")
    assert outcome.code == 1
    assert "hypothesis is empty" in outcome.err
