"""One selection for all screens: each counts inside it, Enter adds to it, Escape takes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.snapshot import screen_text, settle
from nliexplorer.tui.widgets.tabs import TABS, tab_names
from tests.databases import metrics, predictions, scenes
from tests.tui.keys import examples_of, press, typed

SIZE = (120, 40)


def shown(app: ExplorerApp) -> dict[str, Any]:
    return app.screen.as_dict()  # type: ignore[attr-defined, no-any-return]


async def test_a_cell_opens_what_it_counted_under_the_filter(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        await typed(pilot, "conf:>0.6")
        await press(pilot, "enter")
        within = examples_of(app).rows.total
        assert 0 < within < 121
        await press(pilot, "3")
        data = shown(app)
        assert data["n"] == within
        assert f"{within} of 121 pairs" in screen_text(app)
        for keys, count in (
            (("down",), data["fixed"]),
            (("right",), data["both_wrong"]),
            (("up",), data["broken"]),
        ):
            await press(pilot, *keys)
            await press(pilot, "enter")
            assert examples_of(app).rows.total == count, keys
            assert app.selection.filter.to_text().startswith("conf:>0.6")
            await press(pilot, "escape")
            assert app.current_mode == "compare"
            assert shown(app) == data  # as it was left


async def test_calibration_slices_and_attributions_count_inside_the_selection(
    database: Path,
) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        await typed(pilot, "gold:neutral")
        await press(pilot, "enter")
        assert examples_of(app).rows.total == 40
        await press(pilot, "4")
        for run in ("base", "reg"):
            assert shown(app)[run]["n"] == 40
        assert "40 of 121 pairs" in screen_text(app)
        await press(pilot, "up", "enter")
        bin_of = shown(app)["matching"]
        assert 0 < bin_of < 40
        await press(pilot, "escape", "5")
        await press(pilot, "home")
        assert sum(row["n"] for row in shown(app)["slices"][0]) == 40
        assert "40 of 121 pairs" in screen_text(app)
        await press(pilot, "7")
        assert "40 of 40 pairs attributed" in screen_text(app)


async def test_subsets_add_up_and_come_off_one_by_one(database: Path) -> None:
    app = ExplorerApp(database, start="slices")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "home", "enter")
        await press(pilot, "enter")
        first = app.selection.subset
        assert first
        assert first.name == "gold entailment"
        await press(pilot, "3")
        await press(pilot, "up", "enter")  # both right, within the slice
        second = app.selection.subset
        assert second
        assert second.name == "gold entailment › both right"
        assert set(second.ids.tolist()) < set(first.ids.tolist())
        await press(pilot, "escape")
        assert app.selection.subset is first


async def test_a_filter_is_set_on_any_screen_that_counts_pairs(database: Path) -> None:
    app = ExplorerApp(database, start="compare")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        await typed(pilot, "gold:neutral")
        await press(pilot, "enter")
        assert shown(app)["n"] == 40
        await press(pilot, "slash")
        await typed(pilot, "zzzz")
        await press(pilot, "enter")
        assert "esc goes back" in screen_text(app)
        await press(pilot, "escape")
        assert shown(app)["n"] == 40  # as it was before


async def test_every_screen_shows_b_on_the_pairs_that_it_shares_with_a(database: Path) -> None:
    """B lacks the split's name: the screens never take B's default split instead."""
    pairs = scenes()[:31]
    guesses = predictions(pairs, 1)
    with StoreReader(database) as reader:
        base = reader.runs.get("base").id
    with StoreWriter(database) as writer:
        writer.store_evaluation(base, "extra", pairs, guesses, metrics(pairs, guesses))
    app = ExplorerApp(database, ("base", "reg"), start="calibration", split="extra")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert shown(app)["base"]["n"] == shown(app)["reg"]["n"] == 31
        for mode, key in (("compare", "3"), ("slices", "5"), ("attributions", "7")):
            await press(pilot, key)
            assert app.current_mode == mode
            text = screen_text(app)
            assert "121 pairs" not in text
            assert "31 pairs" in text


async def test_the_other_run_in_the_filter_is_b_on_every_screen(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        await typed(pilot, "right b.wrong")
        await press(pilot, "enter")
        broken = examples_of(app).rows.total
        await press(pilot, "3")
        data = shown(app)
        assert data["n"] == data["broken"] == broken > 0


async def test_previews_stay_inside_the_selection(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        await typed(pilot, "right")
        await press(pilot, "enter")
        await press(pilot, "5", "enter")
        await pilot.pause(0.1)
        await settle(pilot)
        lines = screen_text(app).splitlines()
        first = next(i for i, line in enumerate(lines) if "⏎ length" in line) + 1
        assert any("E   " in line for line in lines[first : first + 3])
        assert not any(line.split("│")[-1][6:12].count("✗") for line in lines[first : first + 5])


@pytest.mark.parametrize("mode", ["compare", "calibration", "slices", "attributions", "training"])
async def test_every_screen_has_a_table_and_a_command(database: Path, mode: str) -> None:
    app = ExplorerApp(database, start=mode)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "c")
        assert app.clipboard.startswith("nliexplorer ")
        assert "base reg" in app.clipboard
        await press(pilot, "Y")
        assert app.clipboard.splitlines()[1].startswith("|---")


@pytest.mark.parametrize("width", [60, 80, 104, 120])
def test_all_tabs_fit(width: int) -> None:
    for mode, *_ in TABS:
        names = tab_names(width, mode)
        assert 1 + sum(len(name) + 4 for name in names) <= width
        assert all(names)
