"""In a real terminal: tmux, keys, and what is on the screen."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.polling import poll

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


class Terminal:
    """One tmux session on a socket of its own."""

    def __init__(self, command: list[str], width: int, height: int) -> None:
        self.socket = f"nli-{uuid.uuid4().hex[:8]}"
        self.call("new-session", "-d", "-x", str(width), "-y", str(height), *command)

    def call(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self.socket, *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout

    @property
    def screen(self) -> str:
        return self.call("capture-pane", "-p")

    def wait(self, expected: str) -> None:
        poll(lambda: expected in self.screen, lambda: f"no {expected!r} in:\n{self.screen}")

    def wait_gone(self, unwanted: str) -> None:
        poll(lambda: unwanted not in self.screen, lambda: f"{unwanted!r} stays")

    def keys(self, *keys: str) -> None:
        self.call("send-keys", *keys)

    @property
    def alive(self) -> bool:
        return bool(self.call("list-sessions"))


@pytest.fixture
def terminal(database: Path) -> Iterator[Terminal]:
    start = "from nliexplorer.cli import main; main()"
    command = [sys.executable, "-c", start, "explore", "--db", str(database)]
    opened = Terminal(command, 100, 30)
    yield opened
    opened.call("kill-server")


def test_a_walk_in_a_real_terminal(terminal: Terminal) -> None:
    terminal.wait("121 pairs")
    for _ in range(20):  # a busy machine may take the keys before the bar has the focus
        terminal.keys("/")
        time.sleep(0.5)
        terminal.keys("-l", "wrong gold:neutral")
        terminal.keys("Enter")
        time.sleep(1)
        if "of 121" in terminal.screen:
            break
        terminal.keys("Escape")
    terminal.wait("of 121")
    terminal.keys("3")
    terminal.wait("fixed by B")
    terminal.keys("?")
    terminal.wait("EVERYWHERE")
    terminal.keys("Escape")
    terminal.wait_gone("EVERYWHERE")  # escape and q at once would be alt+q
    terminal.keys("q")
    poll(lambda: not terminal.alive, lambda: f"still running:\n{terminal.screen}")
