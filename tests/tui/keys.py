"""Pressing keys as a person would, and holding a query back."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.screens.examples import ExamplesScreen
from nliexplorer.tui.session import Session
from nliexplorer.tui.snapshot import screen_text, settle

NAMES = {
    " ": "space", ":": "colon", ">": "greater_than_sign", "=": "equals_sign", ".": "full_stop",
    "-": "minus", '"': "quotation_mark", "/": "slash", "#": "number_sign", "<": "less_than_sign",
}  # fmt: skip


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """All keys at once, then until everything is shown."""
    await pilot.press(*keys)
    await settle(pilot)


async def typed(pilot: Pilot[Any], text: str) -> None:
    await press(pilot, *(NAMES.get(character, character) for character in text))


async def click_on(pilot: Pilot[Any], text: str, place: int = 0) -> None:
    """Click where the text stands on the screen for the `place`-th time, counted from 0."""
    at = [
        (found.start(), y)
        for y, line in enumerate(screen_text(pilot.app).splitlines())
        for found in re.finditer(re.escape(text), line)
    ]
    await pilot.click(offset=at[place])
    await settle(pilot)


def examples_of(app: ExplorerApp) -> ExamplesScreen:
    assert isinstance(app.screen, ExamplesScreen)
    return app.screen


@contextmanager
def held_back(monkeypatch: pytest.MonkeyPatch, *groups: str) -> Iterator[Callable[[], None]]:
    """Queries of these groups wait until the function given is called."""
    gate, answer = threading.Event(), Session.answer

    def waiting(self: Session, kind: Any, ticket: object, query: Any) -> Any:
        if kind[1] in groups:
            gate.wait(30)
        return answer(self, kind, ticket, query)

    monkeypatch.setattr(Session, "answer", waiting)
    try:
        yield gate.set
    finally:
        gate.set()
