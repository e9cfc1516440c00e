"""Ctrl-C and termination while training: finish the update, save, then stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np

from nliexplorer import processes

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """`asked`: this process was signalled; `agreed`: some process was, and all know it."""

    def __init__(self) -> None:
        self.asked = False
        self.agreed = False

    def agree(self) -> bool:
        """Whether some process was signalled; every process must ask after each update."""
        if processes.running():
            self.agreed |= bool(processes.sum_arrays(np.array([float(self.asked)]))[0] > 0)
        return self.agreed

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes the first signal as a request; a second one ends the program as usual."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set handlers; its owner stops us by other means
            return
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        def take(_number: int, _frame: FrameType | None) -> None:
            self.asked = True
            self.agreed = not processes.running()  # alone, there is nobody to agree with
            restore()

        for number in _SIGNALS:
            signal.signal(number, take)
        try:
            yield
        finally:
            restore()
