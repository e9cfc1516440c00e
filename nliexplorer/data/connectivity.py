"""A quick check that a host answers, before a library starts minutes of retries."""

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
    """Whether a connection opens within REACH_SECONDS, name look-up and proxy included; False
    where the proxy's address is none (`unanswered` says so).
    """
    parts = urlsplit(_url(address))
    hostname, port = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
    proxy = "" if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme, "")
    if proxy:
        try:
            hostname, port = _proxy_address(proxy)
        except ValueError:
            return False
    answered = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((hostname, port), REACH_SECONDS).close()
        except (OSError, UnicodeError):
            return
        answered.set()

    thread = threading.Thread(target=connect, daemon=True)  # a name look-up has no time limit
    thread.start()
    thread.join(REACH_SECONDS)
    return answered.is_set()


def unanswered(address: str) -> str:
    """Why `answers` returned False. Never repeats a proxy's address: it may hold a password."""
    try:
        if proxy := getproxies().get(urlsplit(_url(address)).scheme, ""):
            _proxy_address(proxy)
    except ValueError:
        return (
            "the proxy that the environment names (HTTPS_PROXY) is not a URL: in its user and "
            "password # is written %23, ? %3F, / %2F and @ %40"
        )
    return f"{host(address)} does not answer"


def _proxy_address(proxy: str) -> tuple[str, int]:
    """Host and port of a proxy's URL, with or without scheme. Raises ValueError."""
    parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    if not parts.hostname or "@" in parts.path + parts.query + parts.fragment:
        raise ValueError("not a URL")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _url(address: str) -> str:
    return huggingface_hub.constants.ENDPOINT if address.startswith("hf:") else address
