"""One screen, drawn without a terminal: for scripts, READMEs and bug reports."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from nliexplorer.errors import NliError, unknown_name
from nliexplorer.store.filters import Filter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.copying import portable_svg
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.widgets.tabs import TABS

#: Most rounds of "let workers end, let their messages arrive": an answer may ask a question.
_ROUNDS = 100
#: One-shot timers up to this long are waited for: a cursor that settles, a pause in typing.
_SHORT_TIMER_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the screen shows, as lines of text, as SVG and as JSON values."""

    screen: str
    size: tuple[int, int]
    text: str
    svg: str
    data: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {
            "screen": self.screen,
            "size": list(self.size),
            **self.data,
            "text": self.text.splitlines(),
        }


def parse_size(text: str) -> tuple[int, int]:
    """`120x40` as (120, 40)."""
    width, _, height = text.lower().partition("x")
    if (
        width.isdigit()
        and height.isdigit()
        and 40 <= int(width) <= 500
        and 10 <= int(height) <= 300
    ):
        return int(width), int(height)
    raise NliError(
        f"{text!r} is not a size", "use WIDTHxHEIGHT, from 40x10 to 500x300: --size 120x40"
    )


def snapshot(
    database: Path,
    screen: str,
    runs: tuple[str, ...] = (),
    size: tuple[int, int] = (120, 40),
    theme: str = "",
    filter: Filter | None = None,
    split: str = "",
) -> Snapshot:
    """Opens the explorer at `screen` with `runs`, waits until it has settled, and captures it."""
    names = [mode for mode, *_ in TABS]
    if screen not in names:
        raise unknown_name("screen", screen, names)
    app = ExplorerApp(
        database,
        runs,
        start=screen,
        filter=filter,
        split=split,
        asks_models=False,
    )
    return asyncio.run(_taken(app, size, theme))


async def _taken(app: ExplorerApp, size: tuple[int, int], theme: str) -> Snapshot:
    async with app.run_test(size=size) as pilot:
        if theme:
            app.theme = theme
        await settle(pilot)
        if app.failure:
            raise app.failure
        screen = app.screen
        assert isinstance(screen, ExplorerScreen)
        selection = app.selection
        data = {
            "a": selection.a.id if selection.a else None,
            "b": selection.b.id if selection.b else None,
            "split": selection.split,
            "filter": selection.filter.to_text(),
            "data": screen.as_dict(),
        }
        svg = portable_svg(app.export_screenshot())
        return Snapshot(screen.MODE, size, screen_text(app), svg, data)


async def settle(pilot: Pilot[Any]) -> None:
    """Until all questions are answered and drawn; the first is which runs there are."""
    quiet = 0
    for _ in range(_ROUNDS):
        await pilot.pause(0.03)
        running = list(pilot.app.workers)
        if running:
            with suppress(WorkerCancelled):  # overtaken by a newer request
                await pilot.app.workers.wait_for_complete(running)
            await pilot.pause()
        app = pilot.app
        waiting = (isinstance(app, ExplorerApp) and app.waiting) or _timer_pending(app)
        waiting = waiting or _message_pending(app)
        quiet = 0 if running or waiting else quiet + 1
        if quiet == 2:
            return


def _message_pending(app: App[Any]) -> bool:
    """Whether a message or callback has yet to be handled, however busy the machine is."""
    return any(
        node.message_queue_size or node._next_callbacks
        for node in (app, *app.screen.walk_children(with_self=True))
    )


def _timer_pending(app: App[Any]) -> bool:
    """Whether a short one-shot timer has yet to fire, however late a busy machine lets it."""
    return any(
        timer._repeat == 0
        and timer._interval <= _SHORT_TIMER_SECONDS
        and timer._task is not None
        and not timer._task.done()
        for node in (app, *app.screen.walk_children(with_self=True))
        for timer in list(node._timers)
    )


def screen_text(app: App[Any]) -> str:
    """The characters on the screen, without colour."""
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(s.text for s in line).rstrip() for line in lines)
