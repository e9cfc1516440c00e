"""Sweeps whose runs are made up in no time, and one that trains."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import t, ttest_rel

from nliexplorer.config import TrainConfig, load_config
from nliexplorer.errors import NliError
from nliexplorer.records import Metrics
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow import sweep
from nliexplorer.workflow.search_space import SweepPlan, parse_axis
from nliexplorer.workflow.splits import with_absolute_paths
from nliexplorer.workflow.sweep import run_sweep

pytestmark = pytest.mark.slow


def accuracy(config: TrainConfig) -> float:
    """Best at lambda 0.1, and a little different for each seed."""
    gain = 0.0
    if config.objective != "baseline":
        gain = 0.05 - 0.02 * abs(math.log10(config.lambda_) + 1) + 0.002 * (config.seed * 3 % 4)
    return 0.8 + gain + 0.003 * ((config.seed * 7) % 5) - (0.001 if config.alpha == 5.0 else 0)


class Trainer:
    """Stands in for `train_all`: stores a run at once, counts, and can break off."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.stop_after: int | None = None
        self.refuse: float | None = None

    def __call__(self, configs: Sequence[TrainConfig], db: Path, *, stem: str) -> list[str]:
        (config,) = (with_absolute_paths(each) for each in configs)
        if self.stop_after == len(self.made):
            raise KeyboardInterrupt
        if self.refuse is not None and config.penalised and config.lambda_ == self.refuse:
            raise NliError("the loss is not finite", "lower it")
        with StoreWriter(db) as writer:
            run = writer.create_run(
                name=stem,
                objective=config.objective,
                data=config.data,
                model=config.model,
                seed=config.seed,
                config=config.as_dict(),
            )
            evaluation = writer.begin_evaluation(run.id, "dev")
            writer.finish_evaluation(evaluation, Metrics(10, accuracy(config), nll=0.5))
            writer.finish_run(run.id, status="done", train_seconds=1.0)
        self.made.append(run.name)
        return [run.id]


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    made = Trainer()
    monkeypatch.setattr(sweep, "train_all", made)
    return made


def plan(**changes: Any) -> SweepPlan:
    base = load_config("quick", flags={"train_samples": 60, "eval_samples": 12, "attribute": False})
    whole = SweepPlan(
        "s", base, (parse_axis("lambda", "0.01:1"), parse_axis("alpha", "5,10")), (0, 1, 2)
    )
    return replace(whole, **changes)


def test_every_trial_is_a_mean_over_seeds(tmp_path: Path, trainer: Trainer) -> None:
    db = tmp_path / "runs.db"
    summary = run_sweep(plan(), db, trials=4)
    assert len(summary.trials) == 4
    assert summary.baseline is not None
    with StoreReader(db) as reader:
        runs = {run.id: run for run in reader.runs.all()}
    for trial in summary.trials:
        values = [runs[run].metrics["dev"].accuracy for run in trial.runs]
        assert [runs[run].seed for run in trial.runs] == [0, 1, 2]
        assert {runs[run].config["lambda"] for run in trial.runs} == {trial.params["lambda"]}
        assert trial.mean == pytest.approx(sum(values) / 3)
        spread = math.sqrt(sum((v - trial.mean) ** 2 for v in values) / 2)
        assert trial.half == pytest.approx(t.ppf(0.975, 2) * spread / math.sqrt(3))
        assert trial.difference is not None
        assert trial.difference.paired
        assert trial.difference.delta == pytest.approx(trial.mean - summary.baseline.mean)
    means = [trial.mean for trial in summary.trials]
    assert means == sorted(means, reverse=True)
    document = summary.as_dict()
    assert document["best"] == summary.trials[0].number
    assert len(document["runs"]) == 12


def test_the_same_command_goes_on(tmp_path: Path, trainer: Trainer) -> None:
    db = tmp_path / "runs.db"
    run_sweep(plan(), db, trials=2)
    assert len(trainer.made) == 3 + 6
    run_sweep(plan(), db, trials=2)
    assert len(trainer.made) == 9
    assert len(run_sweep(plan(), db, trials=3).trials) == 3
    assert len(trainer.made) == 12


def test_an_interrupted_trial_is_taken_up_again(tmp_path: Path, trainer: Trainer) -> None:
    db = tmp_path / "runs.db"
    trainer.stop_after = 3 + 3 + 1  # in the second trial, its first seed done
    with pytest.raises(KeyboardInterrupt):
        run_sweep(plan(), db, trials=2)
    trainer.stop_after = None
    summary = run_sweep(plan(), db, trials=2)
    assert len(summary.trials) == 2
    assert summary.failed == 0
    assert len(trainer.made) == 9  # the finished seed was not trained again
    assert len(set(summary.as_dict()["runs"])) == 6


def test_a_failing_trial_is_left_behind(tmp_path: Path, trainer: Trainer) -> None:
    trainer.refuse = 0.5
    choices = plan(axes=(parse_axis("lambda", "0.1,0.5"),))
    summary = run_sweep(choices, tmp_path / "runs.db", trials=8)
    assert summary.failed > 0
    assert {trial.params["lambda"] for trial in summary.trials} == {0.1}
    assert len(trainer.made) == 6  # repeated points use the runs that are there
    nothing = plan(name="other", axes=(parse_axis("lambda", "0.5"),))
    with pytest.raises(NliError, match="no trial of the sweep finished"):
        run_sweep(nothing, tmp_path / "runs.db", trials=2)


def test_lower_is_better_for_losses(tmp_path: Path, trainer: Trainer) -> None:
    assert plan(metric="nll").direction == "minimize"
    summary = run_sweep(plan(metric="nll", with_baseline=False), tmp_path / "a.db", trials=1)
    assert summary.baseline is None
    assert summary.trials[0].difference is None
    with pytest.raises(NliError, match="ece is not defined on dev"):
        run_sweep(plan(metric="ece"), tmp_path / "b.db", trials=1)


def test_another_plan_under_the_same_name_is_refused(tmp_path: Path, trainer: Trainer) -> None:
    db = tmp_path / "runs.db"
    run_sweep(plan(), db, trials=1)
    other = replace(plan().base, lr=1e-4)
    with pytest.raises(NliError, match="started with other settings: lr"):
        run_sweep(plan(base=other), db, trials=1)
    with pytest.raises(NliError, match="seeds"):
        run_sweep(plan(seeds=(0, 1)), db, trials=1)


def test_storage_by_url(tmp_path: Path, trainer: Trainer) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    run_sweep(plan(), tmp_path / "one.db", trials=1, storage=url)
    summary = run_sweep(plan(), tmp_path / "two.db", trials=2, storage=url)
    assert len(summary.trials) == 2  # the other machine's trial among them
    with pytest.raises(NliError, match="nonsense is not the URL of a storage"):
        run_sweep(plan(), tmp_path / "one.db", trials=1, storage="nonsense")


def test_without_optuna(tmp_path: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "optuna":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(NliError) as caught:
        run_sweep(plan(), tmp_path / "runs.db", trials=1)
    assert "pip install 'nliexplorer[sweep]'" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("lambda", "1:0.1", "not a range"),
        ("lambda", "a:b", "not a range"),
        ("lambda", "x", "not a number"),
        ("alpha", "-3", "out of range"),
        ("ig_steps", "3:10", "not a list"),
        ("ig_steps", "2.5", "not a number"),
        ("penalty", "magic", "unknown penalty"),
        ("lambda", "auto", "not understood"),
    ],
)
def test_axes_that_make_no_sense(key: str, text: str, message: str) -> None:
    with pytest.raises(NliError, match=message):
        parse_axis(key, text)


def test_axes() -> None:
    assert parse_axis("alpha", "auto,10").choices == ("auto", 10.0)
    assert parse_axis("ig_steps", "3, 5,3").choices == (3, 5)
    assert parse_axis("penalty", "variance,concentration").choices == ("variance", "concentration")
    axis = parse_axis("lambda", "0.01:1")
    assert (axis.low, axis.high, axis.choices) == (0.01, 1.0, ())


def test_the_sentence_is_of_the_paired_test(tmp_path: Path, trainer: Trainer) -> None:
    summary = run_sweep(plan(), tmp_path / "runs.db", trials=1)
    (trial,) = summary.trials
    assert summary.baseline is not None
    assert trial.difference is not None
    expected = ttest_rel(trial.values, summary.baseline.values).pvalue
    assert trial.difference.p == pytest.approx(expected, rel=1e-6)
    assert "3 seeds" in trial.difference.sentence


@pytest.mark.slow
def test_a_sweep_that_trains(tmp_path: Path) -> None:
    base = load_config(
        "quick",
        flags={
            "train_samples": 96,
            "eval_samples": 24,
            "max_steps": 3,
            "eval_splits": ["dev"],
            "attribute": False,
            "output_dir": str(tmp_path / "models"),
        },
    )
    real = SweepPlan("real", base, (parse_axis("lambda", "0.1,0.2"),), (0, 1))
    summary = run_sweep(real, tmp_path / "runs.db", trials=1)
    assert len(summary.trials[0].values) == 2
    with StoreReader(tmp_path / "runs.db") as reader:
        assert {run.status for run in reader.runs.all()} == {"done"}
