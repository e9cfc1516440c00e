"""What the screens look like: snapshots at two sizes, NO_COLOR, a light ground."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from nliexplorer.errors import NliError
from nliexplorer.store.filters import parse_filter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.snapshot import screen_text, settle, snapshot
from nliexplorer.tui.widgets.tabs import TABS

pytestmark = pytest.mark.slow

MODES = [mode for mode, *_ in TABS]
#: Screens whose picture is kept; the probe's says what happened to load, so its journey does.
KEPT = tuple(mode for mode in MODES if mode != "probe")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("mode", KEPT)
def test_picture(
    snap_compare: Callable[..., bool], database: Path, mode: str, size: tuple[int, int]
) -> None:
    async def stand(pilot: Pilot[Any]) -> None:
        await settle(pilot)

    app = ExplorerApp(database, start=mode)
    assert snap_compare(app, terminal_size=size, run_before=stand)


#: What is pressed on Runs of two arms, for a picture.
STATES = {
    "arms": ("home",),
    "open-arm": ("home", "right", "down"),
    "over-seeds": ("home", "b", "down", "a", "3"),
    "slices-of-six": ("home", "b", "down", "a", "space", "home", "space", "5", "down"),
}


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("state", STATES)
def test_picture_of_seeds(
    snap_compare: Callable[..., bool], seeds_database: Path, state: str, size: tuple[int, int]
) -> None:
    async def stand(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        for key in STATES[state]:
            await pilot.press(key)
            await settle(pilot)
        pilot.app.clear_notifications()
        await settle(pilot)

    app = ExplorerApp(seeds_database, start="runs")
    assert snap_compare(app, terminal_size=size, run_before=stand)


@pytest.mark.parametrize("mode", MODES)
async def test_without_colour_every_screen_stands(
    database: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ExplorerApp(database, start=mode)
    assert app.no_color
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        for key in ("down", "tab", "down"):
            await pilot.press(key)
            await settle(pilot)
        text = screen_text(app)
    assert "bug in nliexplorer" not in text
    if mode == "examples":
        assert "+++" in text  # the legend and the words carry their sign
        assert "−−−" in text


@pytest.mark.parametrize("mode", ["training", "calibration"])
@pytest.mark.parametrize("colour", [True, False])
async def test_without_colour_letters_tell_curves_apart(
    database: Path, mode: str, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    app = ExplorerApp(database, start=mode)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        lines = screen_text(app).splitlines()
    plots = "".join(line for line in lines if any("\u2800" < each < "\u28ff" for each in line))
    for letter in "AB":
        on_a_curve = re.search(f"[\u2801-\u28ff]{letter}|{letter}[\u2801-\u28ff]", plots)
        assert bool(on_a_curve) != colour
    assert ("━ A" in "".join(lines)) == colour


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("mode", MODES)
def test_no_screen_breaks_its_lines_or_fails(
    database: Path, mode: str, size: tuple[int, int]
) -> None:
    taken = snapshot(database, mode, size=size, theme="nli-day")
    lines = taken.text.splitlines()
    assert len(lines) <= size[1]
    assert max(map(len, lines)) <= size[0]
    assert "? Help  q Quit" in lines[-1]  # never cut off
    assert "bug in nliexplorer" not in taken.text
    assert taken.svg.startswith("<svg")


def test_once_opens_with_a_filter_and_a_split(database: Path) -> None:
    expected = parse_filter("wrong gold:neutral")
    result = snapshot(database, "examples", filter=expected, split="flipped").as_dict()
    assert (result["split"], result["filter"]) == ("flipped", "wrong gold:neutral")
    assert {row["gold"] for row in result["data"]["rows"]} == {"neutral"}
    with pytest.raises(NliError, match="unknown split"):
        snapshot(database, "examples", split="nowhere")


def test_pictures_need_no_net(database: Path) -> None:
    svg = snapshot(database, "compare").svg
    assert "http" not in svg.replace("http://www.w3.org", "").replace(
        "https://www.textualize.io", ""
    )
    assert "monospace" in svg


def test_once_gives_the_shared_state_and_the_screen_as_json(database: Path) -> None:
    result = snapshot(database, "examples", ("base", "reg")).as_dict()
    assert result["split"] == "dev"
    assert result["data"]["matching"] == 121
    assert len(result["data"]["rows"]) > 5
    assert result["text"][0].lstrip().startswith("1 Runs")
    assert {each["run"] for each in result["data"]["pair"]["attributions"]} == {"base", "reg"}
