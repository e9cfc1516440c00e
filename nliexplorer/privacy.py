"""Keeps secrets out of logs, databases and messages."""

from __future__ import annotations

import os
import re

_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|(API|ACCESS|PRIVATE)_?KEY", re.I)
_SHORTEST = 8  # a shorter value may occur in any text by chance


def without_secrets(text: str) -> str:
    """`text` with the value of each secret variable as `$NAME`, which a shell puts back."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _SECRET.search(name):
            text = text.replace(value, f"${name}")
    return text
