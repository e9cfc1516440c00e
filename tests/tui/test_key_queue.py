"""Keys that come at once, as when text is pasted, do what they do one by one."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.pilot import Pilot

from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.snapshot import settle
from tests.tui.keys import examples_of

SIZE = (120, 40)


async def _at_once(pilot: Pilot[None], *keys: str) -> None:
    """All keys before the app has handled the first."""
    names = {"/": "slash", ":": "colon", ">": "greater_than_sign", ".": "full_stop"}
    for key in keys:
        event = events.Key(names.get(key, key), key if len(key) == 1 else None)
        event.set_sender(pilot.app)
        pilot.app.post_message(event)
    await settle(pilot)


async def test_a_filter_and_its_command(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await _at_once(pilot, *"/conf:>0.31", "enter", "c")
        assert app.selection.filter.to_text() == "conf:>0.31"
        assert "conf:>0.31" in app.clipboard


async def test_a_tag_with_digits_stays_on_the_screen(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        start = examples_of(app).rows.cursor
        await _at_once(pilot, "3", "2", "t", *"w1x3", "enter", "down", "t", *"q8", "enter", "down")
        assert examples_of(app).rows.cursor == start + 2
        with StoreReader(database) as reader:
            assert set(reader.annotations.all_tags()) == {"w1x3", "q8"}


async def test_an_overlay_takes_its_keys(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        start = examples_of(app).rows.cursor
        await _at_once(pilot, "question_mark", *"tag", "escape", "escape", "down", "down")
        assert examples_of(app).rows.cursor == start + 2
        await _at_once(pilot, "q")
    assert not app.is_running
