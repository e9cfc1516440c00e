"""Damaged files, full disks, no permission: told in one line, the last good state intact."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nliexplorer.errors import NliError
from nliexplorer.store.check import check_database
from nliexplorer.store.filters import parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.salvage import salvage
from nliexplorer.store.writer import StoreWriter
from tests.databases import two_runs
from tests.store.older import FIXTURES, unpack

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file, without -wal, as it would be copied around."""
    path = tmp_path_factory.mktemp("faults") / "runs.db"
    two_runs(path, 300)
    with StoreWriter(path) as writer:
        writer.compact(single_file=True)
    return path


def _use(path: Path) -> None:
    """Everything a reader may ask; NliError is the only way out."""
    with StoreReader(path) as reader:
        for run in reader.runs.all():
            for split in reader.runs.get(run.id).metrics:
                rows = reader.predictions.rows(reader.runs.evaluation(run.id, split))
                reader.predictions.arrays(reader.runs.evaluation(run.id, split))
                reader.attributions.of_pairs(run.id, [row.example_id for row in rows])
            reader.dynamics.steps(run.id)


@pytest.mark.parametrize("part", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_database_is_told(shipped: Path, tmp_path: Path, part: float) -> None:
    data = shipped.read_bytes()
    path = tmp_path / "x.db"
    path.write_bytes(data[: int(len(data) * part)])
    messages = _told(lambda: _use(path)) + _told(lambda: check_database(path))
    assert messages or check_database(path)


def _told(work: Callable[[], object]) -> list[str]:
    """The error that `work` ended with, if it did; any other kind fails the test."""
    try:
        work()
    except NliError as error:
        return [f"{error.message} -> {error.hint}"]
    return []


@pytest.mark.parametrize("seed", range(25))
def test_flipped_bytes_never_give_a_traceback(shipped: Path, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(shipped.read_bytes())
    start = rng.randrange(len(data) - 600)
    data[start : start + 512] = rng.randbytes(512)
    path = tmp_path / "x.db"
    path.write_bytes(data)
    for work in (lambda: _use(path), lambda: check_database(path)):
        assert not any(output.endswith("-> ") for output in _told(work))
    assert path.read_bytes() == bytes(data), "reading changed a damaged file"


@pytest.mark.parametrize("seed", range(8))
def test_salvage_keeps_what_can_be_read(shipped: Path, tmp_path: Path, seed: int) -> None:
    rng = random.Random(100 + seed)
    data = bytearray(shipped.read_bytes())
    page = 4096
    with sqlite3.connect(shipped) as plain:  # the first pages: the schema, and where tables begin
        (first,) = plain.execute("select max(rootpage) from sqlite_master").fetchone()
    for _ in range(3):
        start = page * rng.randrange(first, len(data) // page)
        data[start : start + page] = rng.randbytes(page)
    damaged, saved = tmp_path / "x.db", tmp_path / "saved.db"
    damaged.write_bytes(data)
    report = salvage(damaged, saved)
    assert report.rows["runs"] == 2
    assert check_database(saved) == []
    with StoreReader(shipped) as good, StoreReader(saved) as reader:
        for run in reader.runs.all():
            for split in reader.runs.get(run.id).metrics:
                assert reader.predictions.rows(
                    reader.runs.evaluation(run.id, split)
                ) == good.predictions.rows(good.runs.evaluation(run.id, split))
            if not reader.runs.get(run.id).metrics:
                assert any(run.name in line for line in report.lost)
    assert report.rows["predictions"] > 300
    assert damaged.read_bytes() == bytes(data)
    with pytest.raises(NliError, match="exists"):
        salvage(damaged, saved)


def test_a_sound_database_is_salvaged_whole(shipped: Path, tmp_path: Path) -> None:
    report = salvage(shipped, tmp_path / "copy.db")
    assert report.lost == []
    with StoreReader(shipped) as a, StoreReader(tmp_path / "copy.db") as b:
        assert a.runs.all() == b.runs.all()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("delete from predictions where id = 3", "1 evaluations lack predictions"),
        ("update examples set gold = (gold + 1) % 3 where id = 5", "2 predictions contradict"),
        ("update attributions set tokens = '[' where id = 2", "1 attributions cannot be read"),
        ("delete from runs where name = 'first'", "refer to a run or pair that no longer exists"),
        ("delete from examples_fts_docsize where id < 4", "3 pairs are missing from the text"),
    ],
)
def test_the_check_names_what_is_wrong(database: Path, damage: str, message: str) -> None:
    assert check_database(database) == []
    with sqlite3.connect(database) as plain:
        plain.execute("pragma foreign_keys = off")
        plain.execute(damage)
    assert any(message in fault for fault in check_database(database))


@pytest.fixture
def public(shipped: Path) -> Iterator[Path]:
    """A folder that other users may read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copy(shipped, folder / "runs.db")
    (folder / "runs.db").chmod(0o644)
    yield folder / "runs.db"
    shutil.rmtree(folder)


def _as_nobody(work: Callable[[], object], folder: Path) -> str:
    """What `work` gives, or its NliError, in a child process that may only read `folder`."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            os.chdir(folder)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            try:
                text = str(work())
            except NliError as error:
                text = f"NliError: {error.message}"
            except BaseException as error:
                text = repr(error)
            os.write(writing, text.encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return text


def _count() -> int:
    with StoreReader("runs.db") as reader:
        return reader.predictions.count(reader.runs.evaluation("first"))


def _write() -> None:
    with StoreWriter("runs.db") as writer:
        writer.save_filter("a", "b")


@pytest.mark.parametrize("wal", [False, True], ids=["one file", "wal"])
def test_a_read_only_folder_is_read(public: Path, wal: bool) -> None:
    if wal:
        with sqlite3.connect(public) as plain:
            plain.execute("pragma journal_mode = wal")
        plain.close()
        public.chmod(0o444)
    assert _as_nobody(_count, public.parent) == "300"
    assert _as_nobody(_write, public.parent).startswith("NliError: runs.db cannot be")


def test_an_older_database_that_cannot_be_upgraded_is_read(public: Path) -> None:
    unpack(FIXTURES[2], public)
    as_it_is = _as_nobody(lambda: _passing(Path("runs.db")), public.parent)
    assert _as_nobody(lambda: _passing(Path("runs.db")) and _count(), public.parent) == "12"
    assert _as_nobody(lambda: check_database("runs.db"), public.parent) == "[]"
    assert not list(public.parent.glob("*.bak-*"))
    assert as_it_is == str(_passing(public))
    assert list(public.parent.glob("*.bak-*"))
    unpack(FIXTURES[1], public)
    assert _as_nobody(_count, public.parent).startswith("NliError: runs.db cannot be")


def _passing(path: Path) -> list[list[str]]:
    """Pairs that pass filters by what newer databases store of a pair."""
    with StoreReader(path) as reader:
        evaluation = reader.runs.evaluation("first")
        return [
            [row.example_id for row in reader.predictions.rows(evaluation, parse_filter(text))]
            for text in (
                "negation:no",
                "-negation:no",
                "overlap:>=0.4",
                "-overlap:>=0.4 sort:-overlap",
            )
        ]


def test_an_unreadable_file_is_told(public: Path) -> None:
    public.chmod(0o600)
    output = _as_nobody(_count, public.parent)
    assert output.startswith("NliError: runs.db cannot be opened")


def test_a_full_disk_leaves_the_last_good_state(tmp_path: Path) -> None:
    """A file-size limit in a process of its own stands for the disk."""
    path = tmp_path / "runs.db"
    two_runs(path, 100)
    code = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from nliexplorer.store.writer import StoreWriter\n"
        "from nliexplorer.errors import NliError\n"
        "from tests.databases import add_run, pairs\n"
        "writer = StoreWriter('runs.db')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, resource.RLIM_INFINITY))\n"
        "try: add_run(writer, 'big', pairs(20_000, seed=3), 1)\n"
        "except NliError as e: print('NliError:', e.message)\n"
        "writer.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("NliError: "), done.stderr
    assert "runs.db" in done.stdout
    assert check_database(path) == []
    with StoreReader(path) as reader:
        assert {run.name for run in reader.runs.all() if run.metrics} == {"first", "second"}
        assert all(run.status == "running" for run in reader.runs.all() if run.name == "big")
