"""Whether a host answers, asked before a library that would retry for a minute."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

REACH_SECONDS = 4.0


def answers(url: str) -> bool:
    """Whether a connection opens within REACH_SECONDS, name look-up and proxy included."""
    parts = urlsplit(url)
    proxy = "" if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme, "")
    if proxy:
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    port = parts.port or (80 if parts.scheme == "http" else 443)
    answered = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((parts.hostname, port), REACH_SECONDS).close()
        except OSError:
            return
        answered.set()

    thread = threading.Thread(target=connect, daemon=True)  # a name look-up has no time limit
    thread.start()
    thread.join(REACH_SECONDS)
    return answered.is_set()
