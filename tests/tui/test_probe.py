"""The probe with models that load: both answer, edits are remembered, keys come back."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from nliexplorer.errors import NliError
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.screens.probe import ProbeScreen
from nliexplorer.tui.screens.probe.models import Models, Probe
from nliexplorer.tui.snapshot import screen_text, settle, snapshot
from tests.families import add_masked_head
from tests.polling import poll_async
from tests.tinyruns import tiny_run

pytestmark = pytest.mark.slow


async def history(pilot: Pilot[Any], length: int) -> list[list[str]]:
    """The probe's history, once it has grown so long."""

    async def long_enough() -> list[list[str]] | None:
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, ProbeScreen)
        edits: list[list[str]] = screen.as_dict()["history"]
        return edits if len(edits) >= length else None

    edits = await poll_async(long_enough, lambda: screen_text(pilot.app))
    assert edits
    return edits


async def test_both_models_answer_each_edit(tmp_path: Path) -> None:
    db, _ = tiny_run(tmp_path, name="one")
    tiny_run(tmp_path, name="two", seed=1)
    app = ExplorerApp(db, ("one", "two"))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        pair = app.pair_in_view
        assert pair
        await pilot.press("8")
        (first,) = await history(pilot, 1)
        assert first[:2] == [pair.row.premise, pair.row.hypothesis]
        assert first[2].count("·") == 1  # an answer of each
        shown = screen_text(app)
        assert "one" in shown
        assert "two" in shown
        assert "Δ" in shown
        await pilot.press("e", "space", "2", "q")  # typed, not taken for keys
        edited, _ = await history(pilot, 2)
        assert "Leave the text" in screen_text(app)
        assert edited[1] == pair.row.hypothesis + " 2q"
        shown = screen_text(app)
        assert "H + 2q" in shown  # in the history: what changed
        assert shown.count("change, points:") == 2
        await pilot.press("escape", "down", "enter")  # the older one again
        await settle(pilot)
        assert app.screen.query_one("#probe-hypothesis").value == pair.row.hypothesis  # type: ignore[attr-defined]
        await pilot.press("escape", "2")
        await settle(pilot)
        assert app.current_mode == "examples"


async def test_single_words_that_flip_the_prediction_and_saving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    db, _ = tiny_run(tmp_path, name="one")
    app = ExplorerApp(db, ("one",), start="probe")
    async with app.run_test(size=(120, 40)) as pilot:
        await history(pilot, 1)
        screen = app.screen
        assert isinstance(screen, ProbeScreen)
        words = " ".join(screen.as_dict()[name] for name in ("premise", "hypothesis")).split()
        without_stops = [word for word in words if any(map(str.isalnum, word))]
        await pilot.press("F")
        await history(pilot, 1)
        assert f"of {len(without_stops)} cases" in screen_text(app)
        assert "H − " in screen_text(app)
        await pilot.press("enter")  # the pair without that word
        _, _ = await history(pilot, 2)
        changed = " ".join(screen.as_dict()[name] for name in ("premise", "hypothesis"))
        assert len(changed.split()) == len(words) - 1
        await pilot.press("escape", "ctrl+s", "n", "enter")
        await settle(pilot)
        (line,) = (tmp_path / "probe-pairs.jsonl").read_text(encoding="utf-8").splitlines()
        assert json.loads(line)["label"] == "neutral"


async def test_words_are_replaced_where_the_checkpoint_has_a_masked_head(tmp_path: Path) -> None:
    db, _ = tiny_run(tmp_path, name="one")
    add_masked_head(tmp_path / "model-one")
    app = ExplorerApp(db, ("one",), start="probe")
    async with app.run_test(size=(120, 40)) as pilot:
        await history(pilot, 1)
        await pilot.press("F")
        await history(pilot, 1)
        shown = screen_text(app)
        assert "replacing one word flips a prediction in" in shown
        assert " → " in shown


async def test_the_status_says_what_is_loaded_and_keys_stay_alive(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def slow(self: Models, *_: object) -> Probe:
        self.stage = "loading base"
        gate.wait(30)
        raise NliError("no model", "none")

    monkeypatch.setattr(Models, "answer", slow)
    app = ExplorerApp(database, start="probe")
    async with app.run_test(size=(100, 30)) as pilot:
        for _ in range(200):
            await pilot.pause(0.05)
            if "loading base … " in screen_text(app):
                break
        assert "loading base … " in screen_text(app)
        await pilot.press("e", "x")
        hypothesis = app.screen.query_one("#probe-hypothesis", Input)
        assert hypothesis.value.endswith("x")
        await pilot.press("escape", "3")
        assert app.current_mode == "compare"
        gate.set()
        await settle(pilot)


async def test_edits_of_the_premise_are_told_apart_in_the_history(tmp_path: Path) -> None:
    db, _ = tiny_run(tmp_path, name="one")
    app = ExplorerApp(db, ("one",), start="probe")
    async with app.run_test(size=(100, 30)) as pilot:
        await history(pilot, 1)
        for word in ("xx", "yy"):
            await pilot.press("P", "space", *word, "enter", "escape")
            await settle(pilot)
        await history(pilot, 3)
        shown = screen_text(app)
    assert "P + xx" in shown
    assert "P + xx yy" in shown


def test_a_picture_shows_the_first_error_and_loads_no_model(database: Path) -> None:
    shown = snapshot(database, "probe").data["data"]
    with StoreReader(database) as reader:
        run = reader.runs.get(snapshot(database, "runs").data["a"])
        first = next(
            row
            for row in reader.predictions.rows(reader.runs.evaluation(run.id, "dev"))
            if not row.correct
        )
    assert (shown["premise"], shown["hypothesis"]) == (first.premise, first.hypothesis)
    assert shown["history"] == []
