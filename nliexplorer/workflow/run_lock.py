"""A lock per run, so that two processes never resume and overwrite the same one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nliexplorer.errors import NliError

LOCK = ".lock"


@contextmanager
def hold_run_lock(folder: Path, name: str) -> Iterator[None]:
    """Holds the lock in `folder`; the system releases it however the process ends."""
    try:
        import fcntl
    except ImportError:  # not on this system
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NliError(
                f"run {name} is being trained by another process",
                "wait for it to finish, or stop it first",
            ) from None
        except OSError:
            yield  # a file system without locks
            return
        try:
            yield
        finally:
            with suppress(OSError):
                (folder / LOCK).unlink()
