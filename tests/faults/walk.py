"""Somebody at the explorer's keys: a walk over all screens, with tags and notes."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from textual.pilot import Pilot

from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.snapshot import settle
from tests.tui.notices import record_notices

ROUNDS: tuple[tuple[str, ...], ...] = (
    ("2", "n", "n", "p", "down", "down", "enter", "escape"),
    ("2", "slash", *"wrong", "enter", "home", "end", "pageup"),
    ("2", "slash", *"sleeping", "enter", "n", "escape"),
    ("3", "right", "enter", "escape"),
    ("4", "up", "up", "enter"),
    ("5", "down", "enter"),
    ("6", "left", "right"),
    ("7", "down", "down"),
    ("1", "down", "o", "enter"),
    ("question_mark", "escape"),
    ("2", "s", "s", "c", "escape"),
)
PROBE = ("8", "escape")


@dataclass
class Walk:
    """What a walk did: keys pressed, the tags it gave, resident MiB now and then."""

    keys: int = 0
    rounds: int = 0
    tags: list[str] = field(default_factory=list)  # those the app said it gave
    memory: list[float] = field(default_factory=list)
    busy: int = 0  # notices that the database was locked


def walk(db: Path, seed: int, go_on: Callable[[Walk], bool]) -> Walk:
    """Press the keys of random rounds while `go_on(walk)`; the app must live to the end of it."""
    return asyncio.run(_walk(db, seed, go_on))


async def _walk(db: Path, seed: int, go_on: Callable[[Walk], bool]) -> Walk:
    rng, done = random.Random(seed), Walk()
    app = ExplorerApp(db, ("first", "second"))
    notices = record_notices(app)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await _tag(pilot, f"w{seed}x0", notices, done)
        for keys in (*ROUNDS, PROBE):  # first all that loads a library at its first use
            await _press(pilot, keys, done)
        while go_on(done):
            await _press(pilot, rng.choice(ROUNDS), done)
            done.rounds += 1
            await _tag(pilot, f"w{seed}x{done.rounds}", notices, done)
            gc.collect()
            done.memory.append(psutil.Process().memory_info().rss / 2**20)
            assert app.is_running
        done.busy = sum("busy" in notice for notice in notices)
        assert app.failure is None
    return done


async def _tag(pilot: Pilot[Any], tag: str, notices: list[str], done: Walk) -> None:
    """Tag the pair in view; under some filters there is none."""
    await _press(pilot, ("2", "t", *tag, "enter"), done)
    if any(f"tagged {tag!r}" in notice for notice in notices):
        done.tags.append(tag)


async def _press(pilot: Pilot[Any], keys: Iterable[str], done: Walk) -> None:
    for key in keys:
        await pilot.press(key)
        done.keys += 1
    await settle(pilot)
