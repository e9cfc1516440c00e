"""Whatever the database holds or becomes: a clear message in place, and the app lives on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from nliexplorer.errors import NliError
from nliexplorer.records import Attribution, Example, Metrics, Prediction
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.snapshot import screen_text, settle, snapshot
from nliexplorer.tui.widgets.tabs import TABS
from tests.databases import HOSTILE
from tests.store.older import FIXTURES, add_next_migration, unpack
from tests.tui.notices import record_notices

pytestmark = pytest.mark.slow

SIZE = (100, 30)


async def shown(app: ExplorerApp, *keys: str) -> str:
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        assert app.is_running
        return " ".join(screen_text(app).split())  # long paths wrap


async def test_no_database(tmp_path: Path) -> None:
    text = await shown(ExplorerApp(tmp_path / "none.db"), "1", "3", "2")
    assert "there is no database" in text


async def test_something_else(tmp_path: Path) -> None:
    path = tmp_path / "else.db"
    path.write_text("not a database, but long enough to be read as one " * 20)
    assert "is not an SQLite database" in await shown(ExplorerApp(path))


async def test_a_newer_database(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("pragma user_version = 9999")
    connection.commit()
    connection.close()
    assert "newer nliexplorer" in await shown(ExplorerApp(database))


async def test_an_older_database_opens_migrated_with_a_backup_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = unpack(FIXTURES[0], tmp_path / "runs.db")
    add_next_migration(monkeypatch)
    text = await shown(ExplorerApp(path), "1")
    assert "first" in text
    assert "second" in text
    assert "12 pairs" in await shown(ExplorerApp(path))
    assert len(list(tmp_path.glob("runs.db.bak-*"))) == 1


async def test_an_empty_database(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    StoreWriter(path).close()
    for mode in ("runs", "examples", "training", "probe"):
        assert "has no runs yet" in await shown(ExplorerApp(path, start=mode)), mode


async def test_an_unknown_run_lists_what_there_is(database: Path) -> None:
    text = await shown(ExplorerApp(database, ("nobody",)))
    assert "there is no run 'nobody'" in text
    assert "base" in text


async def test_a_run_that_has_no_predictions_yet(tmp_path: Path) -> None:
    path = tmp_path / "young.db"
    with StoreWriter(path) as writer:
        writer.create_run(
            name="young", objective="baseline", data="planted", model="tiny", seed=0,
            config={}, command="", summary={}, total_steps=100,
        )  # fmt: skip
    assert "has no predictions yet" in await shown(ExplorerApp(path))
    assert "starting" in await shown(ExplorerApp(path), "1")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A run with labels alone: no probabilities, no attributions, no steps; one empty sentence."""
    path = tmp_path / "bare.db"
    pairs = [Example("", "", 0), HOSTILE, Example("A " * 400, "b", 1)]
    with StoreWriter(path) as writer:
        run = writer.create_run(
            name="bare", objective="imported", data="file", model="", seed=None,
            config={}, command="", summary={},
        )  # fmt: skip
        guesses = [Prediction(0), Prediction(1), Prediction(1)]
        writer.store_evaluation(run.id, "dev", pairs, guesses, Metrics(3, 2 / 3))
        ids = writer.add_examples(pairs)
        nothing = Attribution((), (), (), (), (), 0)
        writer.add_attributions(run.id, [(ids[0], nothing, "gold", None)])
        writer.finish_run(run.id, status="done")
    return path


#: What each screen shows of a run that has nothing but labels.
LABELS_ALONE = {
    "runs": "bare imported 66.7",
    "examples": "no attributions stored",
    "compare": "two runs are needed",
    "calibration": "calibration needs probabilities",
    "slices": "369–409 1 0.0",
    "training": "no training history",
    "attributions": "hypothesis words in all pairs",
    "probe": "run bare has no model",
}


@pytest.mark.parametrize("mode", [mode for mode, *_ in TABS])
async def test_labels_alone(bare: Path, mode: str) -> None:
    text = await shown(ExplorerApp(bare, start=mode), "down", "up")
    assert "bug in nliexplorer" not in text
    assert LABELS_ALONE[mode] in text


async def test_hostile_text_is_shown_as_text(bare: Path) -> None:
    text = await shown(ExplorerApp(bare), "home", "down")
    assert "[red]A man[/red]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "中文の前提" in text


async def test_a_database_that_vanishes_while_open(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        database.unlink()
        await pilot.press("s")
        await settle(pilot)
        assert "there is no database" in screen_text(app)
        await pilot.press("1", "2")
        await settle(pilot)
        assert app.is_running


async def test_a_locked_database_can_be_read_and_says_so_when_written(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nliexplorer.store.connection.BUSY_TIMEOUT", 50)
    monkeypatch.setattr("nliexplorer.store.writing.base._ATTEMPTS", 1)
    StoreWriter(database).close()  # back to WAL
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("begin immediate")
    app = ExplorerApp(database)
    notices = record_notices(app)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "of 121" in screen_text(app) or "121 pairs" in screen_text(app)
        for key in ("t", "x", "enter"):
            await pilot.press(key)
            await settle(pilot)
        assert any("busy" in notice for notice in notices)
    other.close()


async def test_quitting_waits_for_nothing(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("q")
    assert not app.is_running


def test_once_says_what_is_wrong(database: Path, tmp_path: Path) -> None:
    with pytest.raises(NliError, match="unknown screen"):
        snapshot(database, "nowhere")
    with pytest.raises(NliError, match="there is no database"):
        snapshot(tmp_path / "none.db", "runs")
