"""Waiting for another process: so many looks, so that a busy machine only takes longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
LOOKS, PAUSE = 3_000, 0.1


def poll(look: Callable[[], T], failure: Callable[[], str], pause: float = PAUSE) -> T:
    """The first true result of `look`."""
    for _ in range(LOOKS):
        if result := look():
            return result
        time.sleep(pause)
    raise AssertionError(failure())


async def poll_async(
    look: Callable[[], Awaitable[T]], failure: Callable[[], str], pause: float = PAUSE
) -> T:
    """As `poll`, of a coroutine."""
    for _ in range(LOOKS):
        if result := await look():
            return result
        await asyncio.sleep(pause)
    raise AssertionError(failure())
