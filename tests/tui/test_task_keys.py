"""How many keys a task takes: the table that the explorer is held to."""

from __future__ import annotations

import csv
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from nliexplorer.records import Prediction
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.screens.slices import SlicesScreen
from nliexplorer.tui.snapshot import screen_text, settle
from tests.databases import add_run, pairs
from tests.tui.keys import examples_of, press

SIZE = (120, 40)
ExplorerPilot = Pilot[Any]


@pytest.fixture
def pairs_database(tmp_path: Path) -> Path:
    """Two runs; the first takes every tenth pair for entailment, half of them surely."""
    path, examples = tmp_path / "runs.db", pairs(300)
    answers = []
    for number, example in enumerate(examples):
        label = 0 if number % 10 == 0 else example.gold
        top = 0.95 if number % 20 == 0 else 0.8
        rest = (1 - top) / 2
        probabilities = tuple(top if each == label else rest for each in range(3))
        answers.append(Prediction(label, None, probabilities))
    with StoreWriter(path) as writer:
        add_run(writer, "first", examples, 1, answers=answers)
        add_run(writer, "second", examples, 2)
    return path


def app_of(pilot: ExplorerPilot) -> ExplorerApp:
    assert isinstance(pilot.app, ExplorerApp)
    return pilot.app


async def sure_errors_are_listed(pilot: ExplorerPilot) -> None:
    rows = examples_of(app_of(pilot)).rows
    assert rows.total > 0
    entries = [rows.row_at(place) for place in range(rows.total)]
    assert all(
        entry
        and (entry.row.gold, entry.row.predicted) == (1, 0)
        and (entry.row.confidence or 0) >= 0.9
        for entry in entries
    )
    with StoreReader(app_of(pilot).session.path) as reader:
        evaluation = reader.runs.evaluation("first", "dev")
        everything = reader.predictions.rows(evaluation)
        expected = sum(
            (row.gold, row.predicted) == (1, 0) and (row.confidence or 0) >= 0.9
            for row in everything
        )
    assert rows.total == expected


async def compare_is_shown_again(pilot: ExplorerPilot) -> None:
    assert pilot.app.current_mode == "compare"
    assert app_of(pilot).selection.filter.is_empty


async def five_have_the_tag(pilot: ExplorerPilot) -> None:
    with StoreReader(app_of(pilot).session.path) as reader:
        assert reader.annotations.all_tags() == {"x": 5}
    assert "5 marked" in screen_text(pilot.app)


async def the_five_are_in_the_file(pilot: ExplorerPilot) -> None:
    with Path("pairs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    shown = [examples_of(app_of(pilot)).rows.row_at(place) for place in range(60)]
    listed = [entry.row.example_id for entry in shown if entry]
    exported = [row["example_id"] for row in rows]
    assert len(exported) == 5
    first = listed.index(exported[0])
    assert exported == listed[first : first + 5]


async def the_worst_slice_for_b_comes_first(pilot: ExplorerPilot) -> None:
    screen = pilot.app.screen
    assert isinstance(screen, SlicesScreen)
    deltas = [each["delta"] for each in screen.as_dict()["differences"]]
    assert deltas == sorted(deltas, reverse=True)
    assert "B worse first" in screen_text(pilot.app)


@dataclass(frozen=True)
class Task:
    """`before` are keys of an earlier task, which do not count."""

    before: tuple[str, ...]
    keys: tuple[str, ...]
    most: int
    done: Callable[[ExplorerPilot], Awaitable[None]]


SURE_ERRORS = ("3", "tab", "down", "enter", "slash", "c", "tab", "tab", "enter")
TAG_FIVE = (*["space"] * 5, "t", "x", "enter")
TASKS = {
    "neutral taken for entailment, at least 0.9 sure": Task(
        (), SURE_ERRORS, 12, sure_errors_are_listed
    ),
    "back to where one was": Task(
        ("3", "tab", "down", "enter"), ("escape",), 1, compare_is_shown_again
    ),
    "tag five": Task((), TAG_FIVE, 8, five_have_the_tag),
    "export them": Task(TAG_FIVE, ("W", "enter"), 4, the_five_are_in_the_file),
    "the worst slice for B": Task((), ("5", "home", "o"), 3, the_worst_slice_for_b_comes_first),
}


@pytest.mark.parametrize("name", TASKS)
async def test_a_task_takes_few_keys(
    name: str, pairs_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    task = TASKS[name]
    assert len(task.keys) <= task.most
    app = ExplorerApp(pairs_database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        if task.before:
            await press(pilot, *task.before)
        for key in task.keys:
            await press(pilot, key)
        await task.done(pilot)


async def test_tagging_many_is_one_edit(pairs_database: Path) -> None:
    app = ExplorerApp(pairs_database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, *TAG_FIVE)
        await press(pilot, "u")
        with StoreReader(pairs_database) as reader:
            assert reader.annotations.all_tags() == {}
        await press(pilot, "escape")
        assert "5 marked" not in screen_text(app)
