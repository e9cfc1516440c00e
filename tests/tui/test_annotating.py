"""Annotating and taking out many pairs, in few keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.snapshot import screen_text, settle
from tests.tui.keys import examples_of, press, typed

pytestmark = pytest.mark.slow

SIZE = (120, 40)


def tags(database: Path) -> dict[str, int]:
    with StoreReader(database) as reader:
        return reader.annotations.all_tags()


async def test_the_list_in_view_is_exported_in_its_order(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        await typed(pilot, "wrong")
        await press(pilot, "enter")
        total = examples_of(app).rows.total
        await press(pilot, "W", *["backspace"] * 3)
        await typed(pilot, "jsonl")
        await press(pilot, "enter")
        lines = (tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) == total > 1
        assert all(row["label"] != row["predicted_label"] for row in map(json.loads, lines))
        await press(pilot, "W", *["backspace"] * 3)
        await typed(pilot, "jsonl")  # never over a file that exists
        await press(pilot, "enter")
        assert len((tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()) == total


async def test_the_last_tag_again_and_the_list_of_tags(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "home")
        await press(pilot, "t")
        await typed(pilot, "two words")
        await press(pilot, "enter")
        await press(pilot, "down")
        await press(pilot, "full_stop")
        assert tags(database) == {"two words": 2}
        await press(pilot, "T")
        assert "2  two words" in screen_text(app)
        await press(pilot, "enter")
        assert examples_of(app).rows.total == 2
        await press(pilot, "full_stop")  # on a tagged pair: taken off
        assert tags(database) == {"two words": 1}


async def test_relabelling_writes_one_label_a_pair(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "L")
        await press(pilot, "2")
        assert app.current_mode == "examples"
        assert tags(database) == {"relabel:neutral": 1}
        await press(pilot, "3")
        assert tags(database) == {"relabel:contradiction": 1}
        await press(pilot, "u")
        assert tags(database) == {"relabel:neutral": 1}
        await press(pilot, "escape", "3")
        assert app.current_mode == "compare"  # a screen again


async def test_what_is_shown_is_copied_as_text_and_markdown(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        pair = examples_of(app).pair
        assert pair
        await press(pilot, "Y")
        assert f"| premise | {pair.row.premise} |" in app.clipboard
        await press(pilot, "1", "Y")
        assert app.clipboard.splitlines()[0].startswith("| marked | name | objective |")
        await press(pilot, "y")
        assert "base" in app.clipboard
        assert "|" not in app.clipboard
        await press(pilot, "c")
        assert app.clipboard == "nliexplorer runs list"


async def test_the_screen_is_saved_as_a_picture(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = ExplorerApp(database, start="compare")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "S")
        (picture,) = tmp_path.glob("nliexplorer-compare-*.svg")
        assert "fixed" in picture.read_text(encoding="utf-8")


async def test_previews_show_errors_first_and_one_key_changes_that(database: Path) -> None:
    app = ExplorerApp(database, start="slices")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "enter", "down")  # a slice in which A has errors
        await pilot.pause(0.1)
        await settle(pilot)
        assert "errors first" in screen_text(app)
        lines = screen_text(app).splitlines()
        preview = lines[next(i for i, line in enumerate(lines) if "⏎" in line) + 1]
        assert "✗" in preview
        await press(pilot, "i")
        assert "disagreements first" in screen_text(app)
        await press(pilot, "i")
        assert "first" not in screen_text(app)


async def test_the_help_is_searched(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "question_mark")
        await typed(pilot, "relabel")
        text = screen_text(app)
        assert "keys 1 to 3 propose" in text
        assert "swap A and B" not in text
        await press(pilot, "escape")
        assert app.current_mode == "examples"
