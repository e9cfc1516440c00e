"""No room for database, checkpoint, report or export: one clear line, the last good state whole."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nliexplorer.store.check import check_database
from tests.cli.conftest import Call
from tests.faults.pipeline import NAME, TRAIN, attempt, outcome, prepare

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """(the prepared folder, what training there gives)."""
    folder = tmp_path_factory.mktemp("full")
    prepare(folder)
    whole = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(folder, whole)
    done = attempt(whole, [TRAIN])
    assert done.code == 0, done.output
    return folder, outcome(whole)


# 40 kB: the schema; 150 and 250: a checkpoint's parts; 400: the final model fits, later rows may
@pytest.mark.parametrize("room", [40_000, 150_000, 250_000, 400_000])
def test_training_without_room_fails_cleanly_and_goes_on_with_room(
    ground: tuple[Path, dict[str, float]], tmp_path: Path, room: int
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(ground[0], folder)
    ended = attempt(folder, [TRAIN], room=room)
    assert "Traceback" not in ended.output
    db = folder / "runs.db"
    if ended.code:
        assert ended.code == 1
        messages = [
            line for line in ended.output.splitlines() if line and not line.startswith(NAME)
        ]
        assert "the disk is full" in ended.output or "cannot be read or written" in ended.output, (
            messages
        )
        assert not db.exists() or check_database(db) == []
        _, *rest = ended.output.partition("--resume ")
        again = ("train", "--resume", rest[1].split()[0]) if rest[0] else TRAIN
        ended = attempt(folder, [again])
    assert ended.code == 0, ended.output
    assert outcome(folder) == pytest.approx(ground[1], abs=1e-4)


def test_the_same_on_a_small_file_system(
    ground: tuple[Path, dict[str, float]], tmpfs: Path
) -> None:
    folder = tmpfs / "run"
    shutil.copytree(ground[0], folder)
    ended = attempt(folder, [TRAIN])
    assert ended.code == 1, ended.output
    assert "Traceback" not in ended.output
    assert "full" in ended.output or "cannot be read or written" in ended.output
    subprocess.run(["mount", "-o", "remount,size=64m", tmpfs], check=True)
    db = folder / "runs.db"
    assert not db.exists() or not db.stat().st_size or check_database(db) == []


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """A file system of 700 kB, where the system lets us make one."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(place)], capture_output=True
    )
    if made.returncode:
        pytest.skip("no right to mount a file system here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.mark.parametrize(
    "command",
    [
        ("export", "first", "--out", "out/x.csv"),
        ("export", "first", "--out", "out/x.parquet"),
        ("report", "first", "second", "--out", "out"),
    ],
    ids=lambda c: c[-1],
)
def test_output_without_room_leaves_the_earlier_one(
    call: Call, database: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "out").mkdir()
    again = (*command, "--force") if command[0] == "export" else command
    assert call(*command).code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*")}
    ended = attempt(tmp_path, [again], room=5_000)
    assert (ended.code, "Traceback" in ended.output) == (1, False), ended.output
    assert "File too large" in ended.output or "full" in ended.output
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*")} == before
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]
