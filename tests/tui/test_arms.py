"""Runs of one arm over several seeds: one row of Runs, and means over seeds in Compare."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nliexplorer.analysis.intervals import mean_t_interval
from nliexplorer.cli import app as cli
from nliexplorer.comparison.groups import Arm, arms_of, seed_of
from nliexplorer.records import Run
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.screens.compare import CompareScreen
from nliexplorer.tui.screens.runs import RunsScreen
from nliexplorer.tui.snapshot import screen_text, settle
from tests.databases import add_run, pairs, predictions
from tests.tui.keys import press, typed

pytestmark = pytest.mark.slow

SIZE = (120, 40)
SEEDS = (0, 1, 2)
SKILLS = {"plain": 1.0, "better": 1.9}


@pytest.fixture
def arms(tmp_path: Path) -> Path:
    """`plain-s0` … `better-s2` and a run of its own, in the order of their making."""
    path, examples = tmp_path / "runs.db", pairs(200)
    with StoreWriter(path) as writer:
        for arm, skill in SKILLS.items():
            for seed in SEEDS:
                answers = predictions(examples, seed + (9 if skill > 1.5 else 0), skill)
                add_run(writer, f"{arm}-s{seed}", examples, seed, answers=answers)
        add_run(writer, "alone", examples, 5, answers=predictions(examples, 5, 1.4))
    return path


def runs_of(app: ExplorerApp) -> RunsScreen:
    assert isinstance(app.screen, RunsScreen)
    return app.screen


def names(app: ExplorerApp) -> list[str]:
    return [row[1] for row in runs_of(app).table().rows]


async def test_an_arm_is_one_row_that_opens_and_closes(arms: Path) -> None:
    app = ExplorerApp(arms, ("alone",), start="runs")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert names(app) == ["alone", "▸ better ×3", "▸ plain ×3"]
        accuracies = [
            run.metrics["dev"].accuracy for run in app.runs if run.name.startswith("better")
        ]
        mean, half = mean_t_interval([each or 0.0 for each in accuracies])
        assert half
        assert f"{mean * 100:.1f} ±{half * 100:.1f}" in runs_of(app).table().rows[1]
        await press(pilot, "home", "down", "right")
        opened = ["alone", "▾ better ×3", "better-s0", "better-s1", "better-s2", "▸ plain ×3"]
        assert names(app) == opened
        await press(pilot, "down", "down")
        row = runs_of(app).highlighted_row
        assert row
        assert row.name == "better-s1"
        await press(pilot, "left")  # from one of its seeds: the cursor goes to the arm
        assert names(app) == ["alone", "▸ better ×3", "▸ plain ×3"]
        row = runs_of(app).highlighted_row
        assert row
        assert row.arm
        assert row.name == "better"
        await press(pilot, "enter")
        assert names(app) == opened
        await press(pilot, "o", "o", "o")  # by accuracy: an arm by its mean
        assert names(app) == [*opened[1:5], "alone", "▸ plain ×3"]
        await press(pilot, "slash")
        await typed(pilot, "s1")  # an arm of which only some match is open
        assert names(app) == ["▾ better ×3", "better-s1", "▾ plain ×3", "plain-s1"]


async def test_two_arms_are_compared_over_seeds_as_on_the_command_line(arms: Path) -> None:
    app = ExplorerApp(arms, ("alone",), start="runs")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "end", "a", "up", "b", "3")
        assert isinstance(app.screen, CompareScreen)
        text = screen_text(app)
        assert "200 pairs that all 6 runs predicted · means over 3 and 3 seeds" in text
        assert "paired t-test over seeds" in text
        assert "B better" in text
        assert "plain-s0" in text
        assert "of 3 seeds" in text
        shown = app.screen.as_dict()
        await press(pilot, "c")
        assert app.clipboard == "nliexplorer compare plain better --split=dev --group"
        words = app.clipboard.split()[1:]
        await press(pilot, "y")
        assert len(app.clipboard.splitlines()) == len(shown["metrics"]) + 1
    printed = CliRunner().invoke(cli, [*words, "--db", str(arms), "--json"])
    assert json.loads(printed.stdout) == json.loads(json.dumps(shown))


async def test_seeds_open_their_two_runs_and_one_key_shows_them_alone(arms: Path) -> None:
    app = ExplorerApp(arms, ("alone",), start="runs")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "end", "a", "up", "b", "3", "g")
        assert app.screen.as_dict()["n"] == 200  # type: ignore[attr-defined]
        assert "fixed by B" in screen_text(app)
        await press(pilot, "g", "down", "enter")
        assert [run.name for run in app.selection.runs] == ["plain-s1", "better-s1"]
        assert app.selection.arms is None
        assert "fixed by B" in screen_text(app)
        await press(pilot, "escape")
        assert app.selection.arms
        assert "means over 3 and 3 seeds" in screen_text(app)
        await press(pilot, "x")
        assert app.selection.arm_a
        assert app.selection.arm_a.name == "better"


async def test_means_over_seeds_are_inside_the_selection(arms: Path) -> None:
    app = ExplorerApp(arms, ("alone",), start="runs")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "end", "a", "up", "b", "3", "slash")
        await typed(pilot, "gold:neutral")
        await press(pilot, "enter")
        data = app.screen.as_dict()  # type: ignore[attr-defined]
        assert 0 < data["n"] < 200
        await press(pilot, "c")
        words = app.clipboard.split()[1:]
    printed = CliRunner().invoke(cli, [*words, "--db", str(arms), "--json"])
    assert json.loads(printed.stdout)["metrics"] == json.loads(json.dumps(data["metrics"]))


def test_imported_runs_are_one_arm_by_their_names() -> None:
    runs = [
        Run(f"{seed:08x}", f"file-s{seed}", "imported", "done", f"file-s{seed}.jsonl", "", None, "")
        for seed in (2, 0, 1)
    ]
    (arm,) = arms_of(runs)
    assert (arm.name, [seed_of(run) for run in arm.runs]) == ("file", [0, 1, 2])
    other = replace(runs[0], id="f", name="file-s2-again", objective="external", data="elsewhere")
    assert arms_of([*runs[1:], other]) == (Arm("file", (runs[1], runs[2])),)
    assert arms_of([runs[0], other]) == ()


def test_runs_that_go_on_from_the_seeds_of_an_arm_are_one_arm() -> None:
    starts = [
        Run(f"{seed:08x}", f"base-s{seed}", "baseline", "done", "d", "minilm", seed, "")
        for seed in (0, 1)
    ]
    tuned = [
        Run(
            f"{9 + seed:08x}",
            f"tuned-s{seed}",
            "baseline",
            "done",
            "d",
            f"models/{each.id}",
            seed,
            "",
        )
        for seed, each in enumerate(starts)
    ]
    assert [arm.name for arm in arms_of([*starts, *tuned])] == ["base", "tuned"]
    elsewhere = replace(tuned[1], model="models/other")
    assert [arm.name for arm in arms_of([*starts, tuned[0], elsewhere])] == ["base"]
