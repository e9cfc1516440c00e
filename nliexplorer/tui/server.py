"""The explorer in a browser: textual-serve without web fonts, closed to other sites."""

from __future__ import annotations

import logging
import re
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FOREIGN_STYLES = re.compile(r'<link\s+rel="stylesheet"\s+href="https?://(?!127\.|localhost)[^>]*>')


class ExplorerServer(Server):
    """A page of another site can open a WebSocket to this machine: it is turned away."""

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        self._refuse_strangers(request)
        return await super().handle_websocket(request)

    async def handle_index(self, request: web.Request) -> web.Response:
        self._refuse_strangers(request)
        response: web.Response = await super().handle_index(request)
        response.text = _FOREIGN_STYLES.sub("", response.text or "")  # the font comes along
        return response

    def _refuse_strangers(self, request: web.Request) -> None:
        """Requests for another name (DNS rebinding) or from another site's page."""
        requested = _place(f"//{request.host}")
        if self.host in LOOPBACK and requested[0] != LOOPBACK[0]:
            raise web.HTTPForbidden(text=f"this explorer only answers requests for {self.host}")
        origin = request.headers.get("Origin")
        if origin is not None and _place(origin) != requested:
            raise web.HTTPForbidden(text="another site's page may not open the explorer")

    def initialize_logging(self) -> None:
        """Warnings only: one line per request would bury the address."""
        logging.basicConfig(level=logging.WARNING, format="%(message)s")

    async def on_startup(self, app: web.Application) -> None:
        """The command has already printed the address."""


def _place(url: str) -> tuple[str | None, int | None]:
    """Host and port; all names of this machine are one."""
    parts = urlsplit(url)
    return (LOOPBACK[0] if parts.hostname in LOOPBACK else parts.hostname), parts.port
