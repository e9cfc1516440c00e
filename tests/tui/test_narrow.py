"""What small terminals show: whole columns and whole figures, and the rest left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.screens.runs_rows import COLUMNS, columns_that_fit
from nliexplorer.tui.screens.slices import SlicesScreen
from nliexplorer.tui.snapshot import screen_text, settle
from nliexplorer.view.bars import bar
from nliexplorer.view.palette import signed
from tests.tui.keys import press

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("screen", [40, 60, 80, 120, 200])
def test_columns_of_runs_are_whole_or_not_there(screen: int) -> None:
    widths = {column.name: 9 for column in COLUMNS}
    shown = columns_that_fit(widths, screen)
    assert [column for column in COLUMNS if column in shown] == list(shown)
    assert {"", "name", "accuracy", "status"} <= {column.name for column in shown}
    fits = (9 + 2) * len(shown) <= screen
    assert fits or all(column.spare == 0 for column in shown)
    left_out = [column for column in COLUMNS if column not in shown and screen >= column.width]
    if left_out and fits:
        assert (9 + 2) * (len(shown) + 1) > screen - 2


@pytest.mark.parametrize("size", [(60, 15), (80, 24)])
async def test_no_column_of_runs_is_cut_off(seeds_database: Path, size: tuple[int, int]) -> None:
    app = ExplorerApp(seeds_database, start="runs")
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        table = app.screen.query_one("RunsTable")
        assert table.virtual_size.width <= table.size.width
        text = screen_text(app)
    assert "✓ 3 done" in text


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)])
async def test_where_runs_differ_shows_every_difference_whole(
    database: Path, size: tuple[int, int]
) -> None:
    app = ExplorerApp(database, start="slices")
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await press(pilot, "end", "enter")
        screen = app.screen
        assert isinstance(screen, SlicesScreen)
        differences = screen.as_dict()["differences"]
        lines = screen_text(app).splitlines()
        first = next(i for i, line in enumerate(lines) if "│ slice" in line) + 1
        right = {len(line.rstrip().rstrip("*").rstrip()) for line in lines[first : first + 5]}
        assert len(right) == 1  # figures end in one column
        for line, row in zip(lines[first : first + 5], differences, strict=False):
            delta = signed(row["delta"] * 100, 1)
            assert line.rstrip().removesuffix(" *").endswith(delta)
            assert " ▏" not in line
        if size[0] == 60:  # the label under the cursor stands whole above the rows
            assert screen._shown
            assert screen._shown.rows[0].label[:30] in lines[first - 2]


async def test_the_means_over_seeds_have_the_lines_that_the_seeds_leave(
    seeds_database: Path,
) -> None:
    app = ExplorerApp(seeds_database, start="runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "home", "b", "down", "a", "3")
        text = screen_text(app)
    assert "one-vs-rest, and neutral" in text
    assert all(f"seed {seed}" in text for seed in range(3))


async def test_the_split_stays_in_view_with_six_runs(seeds_database: Path) -> None:
    for width, letters in ((80, False), (120, True)):
        app = ExplorerApp(seeds_database, start="runs")
        async with app.run_test(size=(width, 24)) as pilot:
            await settle(pilot)
            await press(pilot, "home", "b", "down", "a", "space", "home", "space", "3")
            context = screen_text(app).splitlines()[1]
        assert "split dev" in context
        assert ("C" in context.split()) == letters
        assert ("+4" in context) != letters


def test_no_bar_has_no_width() -> None:
    assert bar(0.5, 0) == ""
    assert bar(0.001, 3) == "▏  "


async def test_how_many_pairs_have_attributions_is_never_cut_off(database: Path) -> None:
    for size in ((60, 15), (80, 24)):
        app = ExplorerApp(database, start="attributions")
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            about = screen_text(app).splitlines()[2:5]
        assert about[0].lstrip().startswith("hypothesis words in all pairs")
        assert "pairs attributed" in about[1]
        assert not any("…" in line for line in about)
