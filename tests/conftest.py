"""What holds for every test."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

# Test models are too small to share out: two workers of two threads each on two cores took ten
# times as long as one thread each. Set before anything imports torch, and for child processes too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

from tests.databases import two_runs

# A suite that was started in the background inherits an ignored Ctrl-C, and hands it on.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no fault of the code: tests are judged by what they find, not by the clock.
# The suite tries the same examples each time; `pytest --hypothesis-profile=new` draws others.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("new", deadline=None)
settings.load_profile("same")


@pytest.fixture(scope="session")
def family_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of a family's tiny random checkpoint, made once a session."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        from tests.families import checkpoint

        if family not in made:
            made[family] = checkpoint(family, tmp_path_factory.mktemp(family))
        return made[family]

    return folder


@pytest.fixture(scope="session")
def _two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "runs.db"
    two_runs(path)
    return path


@pytest.fixture
def database(_two_runs: Path, tmp_path: Path) -> Path:
    """`runs.db` in `tmp_path`: runs `first` and `second` on 200 pairs, each test's own copy."""
    return Path(shutil.copy(_two_runs, tmp_path / "runs.db"))
