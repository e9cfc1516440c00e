"""A headless Chromium, spoken to over its DevTools socket: no driver, no further package."""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
import numpy as np
from PIL import Image

from tests.polling import poll_async

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


class Browser:
    """`async with Browser(folder, url) as page`: one page of 1280 x 800."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Browser:
        flags = ["--headless=new", "--disable-gpu", "--window-size=1280,800", "--no-first-run"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium refuses root with it
        self.process = subprocess.Popen(
            [str(CHROMIUM), *flags, "--remote-debugging-port=0", f"--user-data-dir={self.folder}",
             "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await self._connect()
        except BaseException:
            self.process.kill()
            raise
        return self

    async def _connect(self) -> None:
        port_file = self.folder / "DevToolsActivePort"

        async def written() -> list[str]:
            return port_file.read_text().split() if port_file.exists() else []

        port, *_ = await poll_async(written, lambda: "Chromium did not start")
        self.session = aiohttp.ClientSession()
        async with self.session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            pages = [each for each in await answer.json() if each["type"] == "page"]
        self.socket = await self.session.ws_connect(
            pages[0]["webSocketDebuggerUrl"], max_msg_size=0
        )
        await self.call("Page.navigate", url=self.url)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.socket.close()
        await self.session.close()
        self.process.terminate()
        self.process.wait(300)

    async def call(self, method: str, wait: float = 60, **parameters: Any) -> dict[str, Any]:
        """The result; empty where the page could not just now (it is being replaced)."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await self.socket.receive_json(timeout=wait)
            if answer.get("id") == number:
                return answer.get("result", {})  # type: ignore[no-any-return]

    async def picture(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """[height, width, 3] what the page shows."""

        async def taken() -> str | None:
            with contextlib.suppress(TimeoutError):  # a page being replaced may never answer
                answer = await self.call("Page.captureScreenshot", wait=5, format="png")
                return answer.get("data")
            return None

        data = await poll_async(taken, lambda: "Chromium gave no picture")
        assert data
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    async def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )
