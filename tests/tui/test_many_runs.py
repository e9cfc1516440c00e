"""More than two runs side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from nliexplorer.comparison.pairs import pair_runs
from nliexplorer.comparison.slices import slice_runs
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.screens.runs import RunsScreen
from nliexplorer.tui.snapshot import screen_text, settle
from nliexplorer.view.palette import MOST_RUNS, signed
from tests.databases import trained_run
from tests.tui.keys import examples_of, press, typed

pytestmark = pytest.mark.slow

SIZE = (120, 40)


@pytest.fixture
def ten_runs(database: Path) -> Path:
    with StoreWriter(database) as writer:
        for number in range(8):
            trained_run(writer, f"run{number}", "baseline", 1.0 + number / 10, 10 + number)
    return database


async def test_up_to_eight_runs_are_marked_and_stand_side_by_side(ten_runs: Path) -> None:
    app = ExplorerApp(ten_runs, ("base", "reg"), start="runs")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "home")
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        for _ in range(8):
            await press(pilot, "space")
        assert len(app.selection.all_runs) == MOST_RUNS
        marks = [row[0] for row in screen.table().rows]
        assert sorted(filter(None, marks)) == list("ABCDEFGH")
        await press(pilot, "2")
        heading = screen_text(app).splitlines()[6]
        assert heading.split()[:9] == ["gold", *"ABCDEFGH"]
        entry = examples_of(app).rows.row_at(0)
        assert entry
        assert len(entry.more) == 6
        assert None not in entry.more
        await press(pilot, "3")
        text = screen_text(app)
        assert "each run against A" in text
        assert "121 pairs that all predicted" in text
        await press(pilot, "c")
        assert app.clipboard.startswith("nliexplorer compare base reg run7 run6")
        await press(pilot, "6")
        assert "━ H" in screen_text(app)
        assert len(app.screen.as_dict()) == 8  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [80, 120])
async def test_slices_have_a_column_a_run_and_scroll_to_those_that_do_not_fit(
    ten_runs: Path, width: int
) -> None:
    runs = [f"run{number}" for number in range(6)]
    with StoreReader(ten_runs) as reader:
        everything = slice_runs(reader, pair_runs(reader, ["base", "reg", *runs], "dev"))
        (cut,) = everything.cuts(["gold"])
    app = ExplorerApp(ten_runs, ("base", "reg"), start="slices")
    async with app.run_test(size=(width, 30)) as pilot:
        await settle(pilot)
        by_name = {run.name: run for run in app.runs}
        app.select(others=tuple(by_name[name] for name in runs))
        await settle(pilot)
        await press(pilot, "home")  # by gold label
        seen = set()
        for _ in range(8):
            (line,) = [row for row in screen_text(app).splitlines() if "│ neutral " in row]
            heading = next(row for row in screen_text(app).splitlines() if "│ slice" in row)
            letters = heading.partition("│")[2].split()[2:]
            seen |= {letter for letter in letters if letter in "ABCDEFGH"}
            row = next(each for each in cut.rows if each.label == "neutral")
            for letter in letters[1:]:
                if letter not in "BCDEFGH" or letters.count(letter) < 2:
                    continue
                number = "ABCDEFGH".index(letter)
                difference = row.differences[number - 1]
                assert difference
                assert f"{row.errors[number].error_rate * 100:.1f}" in line
                ends = (signed(end * 100, 1) for end in (difference.ci_low, difference.ci_high))
                assert "…".join(ends) in line
            await press(pilot, "right")
        assert seen == set("ABCDEFGH")
        await press(pilot, "c")
        assert (
            app.clipboard == f"nliexplorer slices base reg {' '.join(runs)} --split=dev --by=gold"
        )
        await press(pilot, *["left"] * 8)
        heading = next(row for row in screen_text(app).splitlines() if "│ slice" in row)
        assert "B − A" in heading
        assert len(app.screen.as_dict()["slices"]) == 8  # type: ignore[attr-defined]


async def test_the_filter_speaks_of_all_marked_runs(ten_runs: Path) -> None:
    app = ExplorerApp(ten_runs, ("base", "reg"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        totals = []
        for number in range(2):
            if number:  # one more run: pairs that it alone predicts otherwise come in
                await press(pilot, "1", "home", "space", "2")
            await press(pilot, "slash", *["backspace"] * 20)
            await typed(pilot, "disagree")
            await press(pilot, "enter")
            rows = examples_of(app).rows
            entries = [rows.row_at(place) for place in range(10)]
            for entry in filter(None, entries):
                assert {entry.other, *entry.more} != {entry.row.predicted}
            totals.append(rows.total)
        assert 0 < totals[0] < totals[1] < 121
        await press(pilot, "c")
        assert app.clipboard.endswith("--where=disagree --other=reg --other=run7 --split=dev")


async def test_all_wrong_counts_as_compare_does(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        await typed(pilot, "all-wrong")
        await press(pilot, "enter")
        total = examples_of(app).rows.total
        await press(pilot, "3")
        data = app.screen.as_dict()  # type: ignore[attr-defined]
        assert data["n"] == data["both_wrong"] == total > 0


async def test_a_marked_run_is_taken_off_and_becomes_b_only_once(ten_runs: Path) -> None:
    app = ExplorerApp(ten_runs, ("base", "reg"), start="runs")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "home", "space")
        assert [run.name for run in app.selection.others] == ["run7"]
        await press(pilot, "home", "space")
        assert app.selection.others == ()
        await press(pilot, "home", "space")
        await press(pilot, "home", "b")  # C becomes B, and stands there once
        assert [run.name for run in app.selection.all_runs] == ["base", "run7"]
