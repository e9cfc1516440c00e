"""What was computed once is not computed again, and other screens are computed ahead."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from nliexplorer.tui import app as app_module
from nliexplorer.tui import results as results_module
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.results import Results
from nliexplorer.tui.screens import compare
from nliexplorer.tui.screens.calibration import CalibrationScreen
from nliexplorer.tui.snapshot import screen_text, settle
from nliexplorer.tui.widgets.preview import PreviewPane
from tests.tui.keys import press, typed

SIZE = (120, 40)


async def test_going_back_computes_nothing_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []
    once = compare.compared

    def counted(reader: object, selection: object) -> compare.Compared:
        computed.append(selection.filter.to_text())  # type: ignore[attr-defined]
        return once(reader, selection)  # type: ignore[arg-type]

    monkeypatch.setattr(compare, "compared", counted)
    app = ExplorerApp(database, start="compare")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        first = app.screen.as_dict()  # type: ignore[attr-defined]
        await press(pilot, "slash")
        await typed(pilot, "gold:neutral")
        await press(pilot, "enter")
        assert app.screen.as_dict()["n"] == 40  # type: ignore[attr-defined]
        await press(pilot, "escape")
        assert app.screen.as_dict() == first  # type: ignore[attr-defined]
        await press(pilot, "right_square_bracket", "left_square_bracket")
        assert computed == ["", "gold:neutral"]
        await press(pilot, "r")  # the database may have changed
        assert len(computed) == 3


async def test_other_screens_are_computed_while_the_user_reads(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "IDLE_SECONDS", 0.05)
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for _ in range(600):
            await pilot.pause(0.05)
            if app.ahead.done:
                break
        ready = threading.Event()

        def compute(*_: object) -> None:
            ready.set()

        monkeypatch.setattr(CalibrationScreen, "compute", compute)
        monkeypatch.setattr(compare.CompareScreen, "compute", compute)
        for key in "345":
            await press(pilot, key)
            assert app.screen.as_dict()  # type: ignore[attr-defined]
        assert not ready.is_set()


def test_what_was_computed_before_a_change_is_not_kept() -> None:
    results = Results()

    def compute() -> str:
        results.clear()  # a tag is written meanwhile
        return "old"

    assert results.get("key", 1, compute) == "old"
    assert results.get("key", 1, lambda: "new") == "new"


def test_errors_are_not_kept_and_old_results_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_module, "MOST_ROWS", 10)
    results = Results()
    with pytest.raises(ZeroDivisionError):
        results.get("a", 4, lambda: 1 // 0)
    assert "a" not in results
    for key in "abc":
        results.get(key, 4, lambda key=key: key)
    assert [key in results for key in "abc"] == [False, True, True]
    results.get("b", 4, lambda: "again")  # used last
    results.get("d", 4, lambda: "d")
    assert [key in results for key in "bcd"] == [True, False, True]
    results.get("e", 40, lambda: "e")  # the newest is kept, whatever its size
    assert "e" in results


async def test_no_thread_asks_a_widget_for_its_size(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layout on a worker thread failed now and then, and the preview stayed empty."""
    threads: set[threading.Thread] = set()

    def room(_: PreviewPane) -> int:
        threads.add(threading.current_thread())
        return 5

    monkeypatch.setattr(PreviewPane, "room", property(room))
    app = ExplorerApp(database, start="compare")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert "⏎ fixed by B" in screen_text(app)
    assert threads == {threading.current_thread()}
