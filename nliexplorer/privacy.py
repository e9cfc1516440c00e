"""Keeps secrets out of logs, databases and messages."""

from __future__ import annotations

import os
import re

_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|(API|ACCESS|PRIVATE)_?KEY", re.I)
_IN_URL = re.compile(r"(?<=://)([^\s/:@]+):[^\s/@]+(?=@)")  # USER:PASSWORD@HOST
_SHORTEST = 8  # a shorter value may occur in any text by chance


def without_secrets(text: str) -> str:
    """`text` with the value of each secret variable as `$NAME`, which a shell puts back.

    A password in a URL that is no such value becomes `***`.
    """
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _SECRET.search(name):
            text = text.replace(value, f"${name}")
    return _IN_URL.sub(lambda match: _hidden(match[0]), text)


def _hidden(user_and_password: str) -> str:
    user, _, password = user_and_password.partition(":")
    return f"{user}:{password if password.startswith('$') else '***'}"
