"""A journey a screen, with the keys a person would press."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static
from textual.widgets._footer import FooterKey

from nliexplorer.records import StepRecord
from nliexplorer.store.filters import Filter, Range
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.screens.runs import RunsScreen
from nliexplorer.tui.snapshot import screen_text, settle
from nliexplorer.tui.widgets.example_list import ExampleList
from nliexplorer.tui.widgets.filter_bar import FilterInput
from tests.tui.keys import examples_of, press, typed
from tests.tui.notices import record_notices

SIZE = (120, 40)


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    """Waits for what a timer or a worker brings: some hundred times, however long each takes."""
    for _ in range(300):
        if holds():
            return
        await settle(pilot)
    raise AssertionError(screen_text(pilot.app))


def highlighted(app: ExplorerApp) -> str:
    """The name of the run under the cursor."""
    assert isinstance(app.screen, RunsScreen)
    assert app.screen.highlighted
    return app.screen.highlighted.name


async def test_runs_choose_swap_and_open(database: Path) -> None:
    app = ExplorerApp(database, start="runs")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert app.selection.a
        assert app.selection.b
        assert (app.selection.a.name, app.selection.b.name) == ("base", "reg")
        assert "✓ done" in screen_text(app)
        await press(pilot, "x")
        assert app.selection.a.name == "reg"
        assert app.selection.b
        assert app.selection.b.name == "base"
        await press(pilot, "up", "a")
        first = highlighted(app)
        assert app.selection.a.name == first
        assert app.selection.b.name != first
        await press(pilot, "b")  # A cannot be B as well
        assert app.selection.b.name != first
        await press(pilot, "down", "b")  # B is taken off, and marked again
        assert app.selection.b is None
        await press(pilot, "b")
        assert app.selection.b.name == highlighted(app) != first
        await press(pilot, "o", "up")
        assert "name ▾" in screen_text(app)
        assert highlighted(app) == "base"
        await press(pilot, "down", "enter")
        assert app.current_mode == "examples"
        assert [run.name for run in app.selection.runs] == [first, app.selection.b.name]


async def test_examples_filter_walk_and_read(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        screen = examples_of(app)
        assert screen.rows.total == 121
        assert screen.pair is not None
        await press(pilot, "slash")
        await typed(pilot, "wrong gold:neu")
        await press(pilot, "tab")
        assert app.selection.filter.to_text() == "wrong gold:neutral"
        with StoreReader(database) as reader:
            assert app.selection.a
            expected = len(
                reader.predictions.ids(
                    reader.runs.evaluation(app.selection.a.id, "dev"), app.selection.filter
                )
            )
        assert screen.rows.total == expected > 1
        await press(pilot, "enter")
        await press(pilot, "down")
        assert screen.rows.cursor == 1
        assert screen.pair.row.gold == 1
        assert not screen.pair.row.correct
        await press(pilot, "s")
        assert app.selection.split == "flipped"


async def test_a_faulty_filter_says_where_and_keeps_the_list(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        examples_of(app).query_one(FilterInput).value = "gold:newtral"
        await settle(pilot)
        assert "gold: has no value" in screen_text(app)
        assert examples_of(app).rows.total == 121


async def test_next_and_previous_error(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        with StoreReader(database) as reader:
            assert app.selection.a
            wrong = (
                [
                    ~reader.predictions.arrays(
                        reader.runs.evaluation(app.selection.a.id, "dev")
                    ).correct
                ][0]
                .nonzero()[0]
                .tolist()
            )
        rows = examples_of(app).rows
        assert rows.cursor == wrong[0]  # where the explorer opens
        await press(pilot, "home")
        await press(pilot, "n")
        first = rows.cursor
        assert first == next(place for place in wrong if place > 0)
        await press(pilot, "n")
        assert rows.cursor == wrong[wrong.index(first) + 1]
        await press(pilot, "p")
        assert rows.cursor == first


async def test_tag_note_and_undo_are_saved(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        pair = examples_of(app).pair
        assert pair
        key = pair.row.example_id

        def stored() -> tuple[tuple[str, ...], str]:
            with StoreReader(database) as reader:
                return reader.annotations.tags(key), reader.annotations.note(key)

        await press(pilot, "t")
        await typed(pilot, "odd")
        await press(pilot, "enter")
        assert stored() == (("odd",), "")
        assert "⚑ odd" in screen_text(app)
        await press(pilot, "e")
        await typed(pilot, "look again")
        await press(pilot, "enter")
        assert stored() == (("odd",), "look again")
        await press(pilot, "u")
        assert stored() == (("odd",), "")
        await press(pilot, "u")
        assert stored() == ((), "")
        await press(pilot, "u")  # nothing left: says so, and nothing breaks
        assert stored() == ((), "")


async def test_jump_by_number_and_by_id(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        screen = examples_of(app)
        await press(pilot, "colon")
        await typed(pilot, "50")
        await press(pilot, "enter")
        assert screen.rows.cursor == 49
        assert screen.pair
        key = screen.pair.row.example_id
        await press(pilot, "colon")
        await typed(pilot, key[:12])
        await press(pilot, "enter")
        assert screen.rows.total == 121  # a jump: the list stays
        assert screen.pair.row.example_id == key


async def test_copies_the_command_and_the_pair(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        await typed(pilot, "wrong len:>5")
        await press(pilot, "enter")
        await press(pilot, "c")
        assert app.clipboard == "nliexplorer examples base --wrong --min-length=6 --split=dev"
        await press(pilot, "slash")
        await typed(pilot, "conf:>0.3")
        await press(pilot, "enter", "c")
        assert "--where=conf:>0.3" in app.clipboard.replace("'", "")
        assert "00000" not in app.clipboard
        await press(pilot, "y")
        pair = examples_of(app).pair
        assert pair
        copied = app.clipboard.replace("+", "").replace("−", "")
        assert pair.row.premise.rstrip(".").split()[0] in copied
        assert "\x1b" not in copied


async def test_compare_cells_open_their_examples(database: Path) -> None:
    app = ExplorerApp(database, start="compare")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        data = app.screen.as_dict()  # type: ignore[attr-defined]
        assert f"{data['fixed']:,} fixed by B" in screen_text(app)
        await press(pilot, "down", "enter")  # A wrong, B right
        assert app.current_mode == "examples"
        assert app.selection.filter.value("fixed-by") == "reg"
        assert examples_of(app).rows.total == data["fixed"]
        await press(pilot, "escape")  # back to where the cell was opened
        await press(pilot, "right", "enter")  # both wrong: no filter says so much
        assert app.selection.subset is not None
        assert examples_of(app).rows.total == data["both_wrong"]
        await press(pilot, "escape")
        await press(pilot, "right", "right", "right", "right", "enter")
        assert app.selection.subset is not None
        assert app.selection.subset.name.startswith("B says")
        await press(pilot, "escape")
        assert app.current_mode == "compare"
        assert app.selection.is_whole


async def test_calibration_bin_opens_its_examples(database: Path) -> None:
    app = ExplorerApp(database, start="calibration")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        bins = app.screen.as_dict()["base"]["bins"]  # type: ignore[attr-defined]
        await press(pilot, "enter")
        assert app.selection.filter.value("conf") == Range(0.9)
        assert examples_of(app).rows.total == bins[9]["n"]
        await press(pilot, "escape")
        await press(pilot, "up", "up", "enter")
        assert examples_of(app).rows.total == bins[7]["n"]
        await press(pilot, "escape")
        await press(pilot, "end", "enter")
        assert app.selection.filter.to_text() == "wrong conf:>=0.95 sort:-conf"
        assert not any(each.row.correct for each in [examples_of(app).rows.row_at(0)] if each)


async def test_swapping_keeps_the_pair_in_view(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "end", "up", "up")
        pair = examples_of(app).pair
        assert pair
        await press(pilot, "x")
        again = examples_of(app).pair
        assert again
        assert again.row.example_id == pair.row.example_id
        assert again.runs[0].name == "reg"
        await press(pilot, "s", "s")  # to the other split, which lacks it, and back
        assert examples_of(app).rows.total == 121


async def test_cells_show_their_pairs_before_they_open(database: Path) -> None:
    app = ExplorerApp(database, start="compare")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "⏎ fixed by B" in screen_text(app)
        await press(pilot, "down", "right")
        await until(pilot, lambda: "⏎ wrong in both" in screen_text(app))


async def test_slices_cut_open_and_keep(database: Path) -> None:
    app = ExplorerApp(database, start="slices")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        data = app.screen.as_dict()  # type: ignore[attr-defined]
        assert data["key"] == "length"
        assert "surprising" in data["keys"]
        await press(pilot, "home")
        assert app.screen.as_dict()["key"] == "gold"  # type: ignore[attr-defined]
        await press(pilot, "s", "s")  # another split and back: cut the same way
        assert app.screen.as_dict()["key"] == "gold"  # type: ignore[attr-defined]
        await press(pilot, "enter", "down", "enter")
        assert app.selection.subset
        assert app.selection.subset.name == "gold neutral"
        assert examples_of(app).rows.total == 40
        await press(pilot, "slash")
        await typed(pilot, "wrong")
        await press(pilot, "enter")
        await press(pilot, "5")
        await press(pilot, "f")
        await typed(pilot, "hard")
        await press(pilot, "enter")
        with StoreReader(database) as reader:
            assert reader.annotations.filters() == {"hard": "wrong"}
        assert "⚑ hard" in screen_text(app)


async def test_training_shows_curves_and_the_dataset_map(database: Path) -> None:
    app = ExplorerApp(database, start="training")
    async with app.run_test(size=(120, 70)) as pilot:
        await settle(pilot)
        shown = screen_text(app)
        assert "saturation" in shown
        assert "dataset map" in shown
        assert app.screen.as_dict()["reg"]["steps"] == 40  # type: ignore[attr-defined]


async def test_attributions_words_open_their_examples(database: Path) -> None:
    app = ExplorerApp(database, start="attributions")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for keys in ((), ("w", "o")):  # all pairs, then A's errors in another order
            await press(pilot, *keys)
            first = app.screen.as_dict()["words"][0]  # type: ignore[attr-defined]
            counted = (first["a"] or first["b"])["n"]
            assert counted >= 5
            await press(pilot, "enter")
            examples = examples_of(app)
            assert examples.rows.total == counted
            entry = examples.rows.row_at(0)
            assert entry
            assert first["word"] in entry.row.hypothesis.lower()
            assert not (keys and first["a"]) or entry.row.predicted != entry.row.gold
            await press(pilot, "escape")


async def test_probe_without_a_model_says_what_it_needs(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "8")
        await until(pilot, lambda: "has no model" in screen_text(app))


async def test_help_lists_the_keys_of_the_screen(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "question_mark")
        shown = screen_text(app)
        assert "tag the pair or the marked pairs" in shown
        assert "swap A and B" in shown
        await press(pilot, "escape")
        assert app.screen.query_one(ExampleList)


async def test_tabs_by_number_and_by_mouse(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for number, mode in enumerate(
            ("runs", "examples", "compare", "calibration", "slices", "training", "attributions"), 1
        ):
            await press(pilot, str(number))
            assert app.current_mode == mode
        await pilot.click("TabStrip", offset=(4, 0))
        await settle(pilot)
        assert app.current_mode == "runs"


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_resizing_loses_nothing(database: Path, size: tuple[int, int]) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "home", "down", "down", "down")
        before = examples_of(app).pair
        await pilot.resize_terminal(*size)
        await settle(pilot)
        assert examples_of(app).rows.cursor == 3
        assert examples_of(app).pair is before
        assert app.screen.query_one("#pair-text", Static).size.width <= size[0]


@pytest.mark.slow
async def test_a_run_in_training_is_followed(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("app", "screens.runs"):
        monkeypatch.setattr(f"nliexplorer.tui.{module}.FOLLOW_SECONDS", 0.05)
    with StoreWriter(database) as writer:
        run = writer.create_run(
            name="live", objective="baseline", data="planted", model="tiny", seed=3,
            config={}, command="", summary={}, total_steps=10,
        )  # fmt: skip
        app = ExplorerApp(database, start="runs")
        async with app.run_test(size=SIZE) as pilot:
            await settle(pilot)
            await press(pilot, "up", "up", "up")
            assert "starting" in screen_text(app)
            writer.add_steps(run.id, [StepRecord(5, 0.5, 1.0, 1.0, 0.1, seconds=2.0)])
            await until(pilot, lambda: "5 of 10 steps" in screen_text(app))
            assert "10.0 s to go" in screen_text(app)
            writer.finish_run(run.id, status="done")
            await until(pilot, lambda: "● running" not in screen_text(app))


async def test_a_slash_can_be_typed_into_the_filter(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "w", "slash")
        assert examples_of(app).query_one(FilterInput).value == "w/"


async def test_keys_that_need_a_pair_say_that_there_is_none(database: Path) -> None:
    app = ExplorerApp(database, filter=Filter.of({"text": "nowhere to be found"}))
    notices = record_notices(app)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "t", "e", "y")
        examples_of(app)  # no prompt opened
        assert notices == ["no pair to tag", "no pair to write a note on", "no pair to copy"]


@pytest.mark.parametrize("width", [80, 110, 120])
async def test_calibration_breaks_its_measures_between_two(database: Path, width: int) -> None:
    app = ExplorerApp(database, start="calibration")
    async with app.run_test(size=(width, 40)) as pilot:
        await settle(pilot)
        text = screen_text(app)
    for measure in (r"MCE \d", r"R² [\d–]", r"Brier \d\.\d+", r"Brier [\d.]+→\d"):
        assert len(re.findall(measure, text)) >= 2, measure


@pytest.mark.slow
async def test_keys_that_are_shown_no_more_are_forgotten(database: Path) -> None:
    """Textual's own footer keeps them all: an hour of use took half a gigabyte."""
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        alive = []
        for _ in range(4):
            for key in "3524":
                await pilot.press(key)
                await settle(pilot)
            gc.collect()
            alive.append(sum(isinstance(each, FooterKey) for each in gc.get_objects()))
    assert alive[-1] <= alive[1] + 10


async def test_finding_no_run_leaves_an_empty_list(database: Path) -> None:
    app = ExplorerApp(database, start="runs")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "reg" in screen_text(app)
        await press(pilot, "slash")
        await typed(pilot, "nosuchrun")
        assert "✓ done" not in screen_text(app)
        await press(pilot, "escape")
        assert "✓ done" in screen_text(app)
