"""Keys in their order: each acts on what the key before it has changed, however fast they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from textual import events
from textual.app import App, ScreenStackError
from textual.message_pump import MessagePump

#: A key waits no longer than this for what the key before it does, seconds; long enough for a
#: machine whose cores are busy.
PATIENCE_SECONDS = 10.0


def _key_path(app: App[Any]) -> list[MessagePump]:
    """Through which a key goes: the widget with the focus, what it is in, the app."""
    try:
        first = app.screen.focused or app.screen
    except ScreenStackError:  # the app is being left
        return [app]
    return list(dict.fromkeys([*first.ancestors_with_self, app]))


async def _handled(pumps: Iterable[MessagePump]) -> None:
    """Until each has handled the messages that it has now, or closes."""
    marks = [(pump, mark) for pump in pumps if pump.call_later((mark := asyncio.Event()).set)]
    while any(not (mark.is_set() or pump._closing or pump._closed) for pump, mark in marks):
        await asyncio.sleep(0.001)


class KeyQueue:
    """Hands keys to `deliver` one by one.

    Textual sends a key to the widget that has the focus when the key arrives. Of pasted keys, or of
    those that `tmux send-keys` types, `/` would not yet have moved the focus to the filter when the
    next one comes, which would then act as a command.
    """

    def __init__(self, app: App[Any], deliver: Callable[[events.Key], Awaitable[None]]) -> None:
        self._app, self._deliver = app, deliver
        self._keys: deque[events.Key] = deque()
        self._delivering = False

    def put(self, event: events.Key) -> None:
        """Deliver the key after those that came before it."""
        self._keys.append(event)
        self._start()

    def put_first(self, keys: Iterable[events.Key]) -> None:
        """Keys that came before those that wait."""
        self._keys.extendleft(reversed(list(keys)))
        self._start()

    def _start(self) -> None:
        if self._keys and not self._delivering:
            self._delivering = True
            self._app.run_worker(self._deliver_in_turn(), group="keys")

    async def _deliver_in_turn(self) -> None:
        try:
            while self._keys:
                await self._deliver(self._keys.popleft())
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._settled(), PATIENCE_SECONDS)
        finally:
            self._delivering = False

    async def _settled(self) -> None:
        """Until the messages of the last key, and those that they led to, are handled.

        Twice in a row: a message may be in no queue because it is being handled.
        """
        quiet = 0
        while quiet < 2:
            path = _key_path(self._app)
            await _handled(path)
            pending = any(pump.message_queue_size for pump in path)
            quiet = 0 if pending or path != _key_path(self._app) else quiet + 1
