"""What the screens show can be trusted: a journey for each fault that users have met."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from nliexplorer.records import Metrics
from nliexplorer.store.filters import Filter, Match, parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.screens.runs import RunsScreen
from nliexplorer.tui.snapshot import screen_text, settle
from nliexplorer.tui.widgets.filter_bar import FilterInput
from nliexplorer.tui.widgets.rows import Rows
from tests.databases import predictions, scenes
from tests.tui.keys import examples_of, held_back, press, typed

pytestmark = pytest.mark.slow

SIZE = (120, 40)


async def test_runs_show_and_sort_the_selected_split(database: Path) -> None:
    """The split is in the heading; another run's other split is never shown in its place."""
    with StoreWriter(database) as writer:
        run = writer.create_run(
            name="elsewhere", objective="imported", data="file", model="", seed=None,
            config={}, command="", summary={}, status="done",
        )  # fmt: skip
        pairs = scenes()[:50]
        metrics = Metrics(50, 0.5, ece=0.01)
        writer.store_evaluation(run.id, "other", pairs, predictions(pairs, 3, 1.0), metrics)
    with StoreReader(database) as reader:
        flipped = reader.runs.get("base").metrics["flipped"].accuracy
    app = ExplorerApp(database, ("base", "reg"), start="runs")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "accuracy on dev" in screen_text(app)
        (line,) = [row for row in screen_text(app).splitlines() if "elsewhere" in row]
        assert "50.0" not in line
        await press(pilot, "s")
        assert "accuracy on flipped" in screen_text(app)
        (line,) = [row for row in screen_text(app).splitlines() if " base " in row and "✓" in row]
        assert f"{flipped * 100:.1f}" in line
        await press(pilot, "o", "o", "o")  # by accuracy: a run without the split comes last
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        assert [row[1] for row in screen.table().rows][-1] == "elsewhere"


async def test_runs_answer_the_keys_of_every_list(database: Path) -> None:
    app = ExplorerApp(database, start="runs")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, RunsScreen)

        def at() -> str:
            assert screen.highlighted
            return screen.highlighted.name

        await press(pilot, "home")
        assert at() == "reg"
        await press(pilot, "j")
        assert at() == "base"
        await press(pilot, "k")
        assert at() == "reg"
        await press(pilot, "end")
        assert at() == "base"
        await press(pilot, "slash")
        await typed(pilot, "reg")
        assert [row[1] for row in screen.table().rows] == ["reg"]
        await press(pilot, "enter", "a")  # the letter is a key again
        assert app.selection.a
        assert app.selection.a.name == "reg"
        await press(pilot, "escape")
        assert len(screen.table().rows) == 2


async def test_after_drill_down_a_filter_is_typed_behind_the_present_one(database: Path) -> None:
    app = ExplorerApp(database, start="compare")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "down", "enter")
        before = app.selection.filter
        assert before.to_text() == "fixed-by:reg"
        await press(pilot, "slash")
        await typed(pilot, "len:>5")
        await press(pilot, "enter")
        assert app.selection.filter.to_text() == "len:>=6 fixed-by:reg"
        await press(pilot, "slash")
        await typed(pilot, "nonsense")
        assert app.selection.filter.value("text") == Match("nonsense")
        await press(pilot, "escape")  # as it was before the edit
        assert app.selection.filter.to_text() == "len:>=6 fixed-by:reg"
        assert examples_of(app).query_one(FilterInput).value == "fixed-by:reg len:>5"


async def test_a_cancelled_edit_leaves_pair_and_history_as_they_were(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "3", "2", "n", "n")
        pair, trail = app.pair_in_view, app.trail
        assert pair
        assert pair.row.position
        await press(pilot, "slash")
        await typed(pilot, "gold:neutral")
        assert not app.selection.filter.is_empty
        await press(pilot, "escape")
        assert app.selection.filter.is_empty
        assert app.trail == trail
        assert app.pair_in_view
        assert app.pair_in_view.row.example_id == pair.row.example_id
        rows = examples_of(app).rows
        entry = rows.row_at(rows.cursor)
        assert entry
        assert entry.row.example_id == pair.row.example_id


async def test_a_field_without_its_value_yet_is_completed_and_no_error(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "slash")
        await typed(pilot, "conf:")
        text = screen_text(app)
        assert "tab conf:>=0.9" in text
        assert "lacks a value" not in text
        await press(pilot, *["backspace"] * 5)
        await typed(pilot, "nofield:3 go")
        assert "unknown field" in screen_text(app)
        await press(pilot, "escape")


async def test_a_filter_too_long_for_the_header_ends_in_an_ellipsis(database: Path) -> None:
    expected = parse_filter("gold:neutral pred:entailment conf:>=0.9 len:>3")
    app = ExplorerApp(database, filter=expected)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        context = screen_text(app).splitlines()[1]
    assert "filter " in context
    assert context.endswith("…")


async def test_up_in_the_filter_recalls_earlier_ones(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for text in ("wrong", "gold:neutral"):
            await press(pilot, "slash", *["backspace"] * 20)
            await typed(pilot, text)
            await press(pilot, "enter")
        assert app.selection.filter.to_text() == "gold:neutral"
        await press(pilot, "slash", "up", "enter")
        assert app.selection.filter.to_text() == "wrong"
        await press(pilot, "slash", "up", "down", "up", "enter")
        assert app.selection.filter.to_text() == "gold:neutral"


async def test_keys_pressed_while_a_screen_loads_wait_for_it(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        with held_back(monkeypatch, "table") as release:
            await pilot.press("5")
            await pilot.pause(0.3)
            await pilot.press("home", "down")
            await pilot.pause(0.1)
            assert "reading the pairs and slicing them" in screen_text(app)
            release()
            await settle(pilot)
        assert app.screen.query_one("#keys", Rows).cursor == 1
        assert "reading the pairs" not in screen_text(app)


async def test_keys_right_behind_the_one_that_changes_the_screen_wait_too(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for key in ("5", "end"):  # as from a terminal: the second is there before the first is done
            event = events.Key(key, key if len(key) == 1 else None)
            event.set_sender(app)
            app.post_message(event)
        await settle(pilot)
        await settle(pilot)
        rows = app.screen.query_one("#keys", Rows)
        assert rows.cursor == rows.row_count - 1 > 2


async def test_keys_that_wait_are_dropped_when_the_user_moves_on(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        with held_back(monkeypatch, "table") as release:
            await pilot.press("5")
            await pilot.pause(0.1)
            await pilot.press("home", "1")
            await pilot.pause(0.1)
            assert app.current_mode == "runs"  # at once: nothing blocks
            release()
            await settle(pilot)
        assert app.current_mode == "runs"


async def test_a_jump_goes_there_whatever_the_filter(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        screen = examples_of(app)
        await press(pilot, "home")
        assert screen.pair
        key, gold = screen.pair.row.example_id, screen.pair.row.gold
        await press(pilot, "slash")
        await typed(pilot, f"gold:{(gold + 1) % 3}")
        await press(pilot, "enter")
        filtered = app.selection.filter
        await press(pilot, "colon")
        await typed(pilot, f"#{key[:10]}")
        await press(pilot, "enter")
        assert screen.pair.row.example_id == key
        assert screen.rows.total == 121
        await press(pilot, "escape")  # back to the filtered list
        assert app.selection.filter == filtered
        await press(pilot, "colon")
        await typed(pilot, "99999")
        await press(pilot, "enter")
        assert screen.rows.total == 40
        assert any(note.title == "there is no row 99999" for note in app._notifications)


async def test_a_new_tag_is_completed_at_once(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "t")
        await typed(pilot, "hard-case")
        await press(pilot, "enter")
        await press(pilot, "n")
        await press(pilot, "t", "h", "right", "enter")
        with StoreReader(database) as reader:
            assert reader.annotations.all_tags() == {"hard-case": 2}


async def test_no_stale_list_under_a_new_filter(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ExplorerApp(database, start="compare")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "2")
        rows = examples_of(app).rows
        await press(pilot, "home")
        entry = rows.row_at(0)
        assert entry
        await press(pilot, "3")
        with held_back(monkeypatch, "first", "ids") as release:
            await pilot.press("right", "enter")
            await pilot.pause(0.3)
            assert app.current_mode == "examples"
            assert entry.row.hypothesis not in screen_text(app)
            assert rows.total == 0
            release()
            await settle(pilot)
        assert rows.total > 0


async def test_one_step_back_leads_where_one_was(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await press(pilot, "end", "up")
        pair = examples_of(app).pair
        assert pair
        await press(pilot, "3")
        await press(pilot, "down", "enter")
        assert "esc ‹ Compare ‹ Examples" in screen_text(app)
        assert app.selection.filter.value("fixed-by")
        await press(pilot, "escape")
        assert app.current_mode == "compare"
        assert app.selection.filter.is_empty
        await press(pilot, "left_square_bracket")
        again = examples_of(app).pair
        assert again
        assert again.row.example_id == pair.row.example_id
        await press(pilot, "right_square_bracket", "right_square_bracket")
        assert app.selection.filter.value("fixed-by")


@pytest.mark.parametrize("opened_with_it", [True, False])
async def test_escape_leads_out_of_a_filter_that_nothing_passes(
    database: Path, opened_with_it: bool
) -> None:
    filter = Filter.of({"text": "zzzz"}) if opened_with_it else None
    app = ExplorerApp(database, filter=filter)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        if not opened_with_it:
            await press(pilot, "slash")
            await typed(pilot, "zzzz")
            await press(pilot, "enter")
        assert "no pair passes this filter" in screen_text(app)
        await press(pilot, "escape")
        assert examples_of(app).rows.total == 121
