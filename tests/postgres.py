"""A PostgreSQL server of one's own for a test, where PostgreSQL is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_FOLDERS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt")


def _program(name: str) -> str | None:
    if path := shutil.which(name):
        return path
    places = [path for folder in _FOLDERS for path in Path(folder).glob(f"**/bin/{name}")]
    return str(max(places)) if places else None


@contextmanager
def postgres() -> Iterator[str]:
    """URL of an empty database; the test is skipped where no server can be started."""
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    initdb, server = _program("initdb"), _program("postgres")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL (initdb, postgres) is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    user = None
    if os.geteuid() == 0:  # the server refuses to run as root
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            user = "nobody"
        shutil.chown(folder, user)
    data = folder / "data"
    options = ["-D", str(data), "-U", "tester", "--auth=trust", "-E", "UTF8", "--no-sync"]
    try:
        subprocess.run([initdb, *options], user=user, check=True, capture_output=True, timeout=300)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with subprocess.Popen(
            [server, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-F"],
            user=user,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                _wait(port, process)
                yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
            finally:
                process.send_signal(signal.SIGINT)  # ends without waiting for its clients
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    for _ in range(600):
        assert process.poll() is None, "the server ended"
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=tester dbname=postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.2)
    raise AssertionError("the server does not answer")
