"""`serve`: what a browser sees and clicks, and whom it turns away."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from nliexplorer.tui.theme import NIGHT
from tests.polling import poll, poll_async
from tests.tui.browser import CHROMIUM, Browser

pytestmark = pytest.mark.slow
pytest.importorskip("textual_serve")

#: Columns of the tabs ` 2 Examples ` and ` 3 Compare `: first, one behind the last.
EXAMPLES, COMPARE = (9, 21), (21, 32)


@pytest.fixture
def served(database: Path) -> Iterator[str]:
    """The address of a running `nliexplorer serve`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = "from nliexplorer.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", start, "serve", "--port", str(port), "--db", str(database)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    def listening() -> bool:
        assert process.poll() is None, process.stderr and process.stderr.read()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    poll(listening, lambda: "serve did not start")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    _, printed = process.communicate(timeout=300)
    assert f"ssh -N -L {port}:127.0.0.1:{port}" in printed


async def test_other_sites_are_turned_away(served: str) -> None:
    address = served.replace("http", "ws") + "/ws"
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(address, headers={"Origin": "http://evil.example"})
        assert refused.value.status == 403
        async with session.get(served, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403
        async with session.get(served) as answer:
            assert answer.status == 200
            assert "googleapis" not in await answer.text()
        own = served.replace("127.0.0.1", "localhost")
        async with session.ws_connect(address, headers={"Origin": own}) as socket_:
            assert not socket_.closed


def active_tab(picture: np.ndarray) -> tuple[int, int, int] | None:
    """Left and right end and middle line, in pixels, of the tab on the accent's ground."""
    expected = np.array([int(NIGHT.accent[i : i + 2], 16) for i in (1, 3, 5)])  # type: ignore[index]
    near = (np.abs(picture.astype(int) - expected) < 12).all(axis=2)[:80]
    wide = np.flatnonzero(near.sum(axis=1) > 40)
    if not len(wide):
        return None
    columns = np.flatnonzero(near[wide[0]])
    return int(columns[0]), int(columns[-1]) + 1, int(wide.mean())


async def tab_when(page: Browser, moved_from: int | None = None) -> tuple[int, int, int]:
    """The active tab, once there is one that does not begin at `moved_from`."""

    async def moved() -> tuple[int, int, int] | None:
        tab = active_tab(await page.picture())
        return tab if tab and (moved_from is None or abs(tab[0] - moved_from) > 5) else None

    tab = await poll_async(moved, lambda: "the explorer did not show", pause=0.3)
    assert tab
    return tab


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
async def test_a_browser_sees_it_and_clicks_a_tab(served: str, tmp_path: Path) -> None:
    async with Browser(tmp_path / "profile", served) as page:
        left, right, line = await tab_when(page)
        cell = (right - left) / (EXAMPLES[1] - EXAMPLES[0])
        assert left == pytest.approx(EXAMPLES[0] * cell, abs=2 * cell)
        middle = sum(COMPARE) / 2 - EXAMPLES[0]
        await page.click(left + middle * cell, line)
        moved = await tab_when(page, moved_from=left)
        assert moved[0] == pytest.approx(right, abs=cell)
        assert (moved[1] - moved[0]) / cell == pytest.approx(COMPARE[1] - COMPARE[0], abs=0.5)
