"""What other screens would show, computed while the user reads this one."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from nliexplorer.errors import NliError
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.session import OvertakenError, Session

_NICE = 15


class Ahead:
    """Runs one query after the other on a thread of low priority."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._thread: threading.Thread | None = None

    @property
    def done(self) -> bool:
        """Whether something was begun, and all of it is computed."""
        return self._thread is not None and not self._thread.is_alive()

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, queries: Sequence[Callable[[StoreReader], Any]]) -> None:
        """Begin, unless something is still being computed."""
        if not self.busy and queries:
            self._thread = threading.Thread(target=self._run, args=(queries,), daemon=True)
            self._thread.start()

    def _run(self, queries: Sequence[Callable[[StoreReader], Any]]) -> None:
        if sys.platform == "linux":  # elsewhere a thread has no priority of its own
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        for query in queries:
            try:
                self._session.answer((id(self), "ahead"), object(), query)
            except OvertakenError:  # the explorer is closed
                return
            except NliError:
                continue  # the screen itself will say so
