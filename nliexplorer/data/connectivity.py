"""Does a host answer at all? Asked before a library begins its minutes of retries."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import huggingface_hub

REACH_SECONDS = 4.0


def host(address: str) -> str:
    """The host of a URL; of `hf:OWNER/NAME` that of the hub."""
    return urlsplit(_url(address)).hostname or address


def answers(address: str) -> bool:
    """Whether a connection opens within REACH_SECONDS, name look-up and proxy included."""
    parts = urlsplit(_url(address))
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


def _url(address: str) -> str:
    return huggingface_hub.constants.ENDPOINT if address.startswith("hf:") else address
