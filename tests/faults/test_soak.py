"""Long use: scripted hours at the explorer, hundreds of runs, everybody at one database.

`NLI_SOAK_MINUTES=60 pytest -m soak tests/faults/test_soak.py -s` is the hour; the slow marker runs
three minutes of the keys and some seconds of the crowd.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nliexplorer.records import StepRecord
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.faults.walk import walk
from tests.store.samples import add_run, metrics, pairs, predictions, two_runs

ROOT = Path(__file__).resolve().parents[2]
SOAK = 60 * float(os.environ.get("NLI_SOAK_MINUTES", "5"))
SPAWN = mp.get_context("spawn")


def _lasting(slow: float) -> list[Any]:
    return [
        pytest.param(slow, marks=pytest.mark.slow, id="slow"),
        pytest.param(SOAK, marks=pytest.mark.soak, id="soak"),
    ]


@pytest.mark.parametrize("seconds", _lasting(180.0))
def test_memory_stays_flat_at_the_explorer(tmp_path: Path, seconds: float) -> None:
    two_runs(tmp_path / "runs.db", 400)
    done = walk(tmp_path / "runs.db", seconds, seed=1)
    quarter = max(1, len(done.memory) // 4)
    early = statistics.median(done.memory[quarter : 2 * quarter] or done.memory[:1])
    late = statistics.median(done.memory[-quarter:])
    print(f"{done.keys} keys in {seconds:.0f} s: {early:.0f} MiB, at the end {late:.0f} MiB")
    assert late <= 1.1 * early
    assert done.busy == 0
    with StoreReader(tmp_path / "runs.db") as reader:
        assert set(reader.annotations.all_tags()) == set(done.tags) != set()


def _train(path: str, stop: Any, out: Any) -> None:
    with StoreWriter(path) as writer:
        run = writer.create_run(name=f"t{os.getpid()}", objective="baseline", data="d", model="m")
        step = 0
        while not stop.is_set():
            step += 1
            writer.add_steps(run.id, [StepRecord(step, 0.1, 1.0, 1.0, 1e-5)])
            time.sleep(0.01)
    out.put(("steps", run.name, step))


def _import(path: str, stop: Any, out: Any) -> None:
    count = 0
    while not stop.is_set():
        with StoreWriter(path) as writer:
            add_run(writer, f"i{count}", pairs(200, seed=count % 5), count)
        count += 1
        time.sleep(0.2)
    out.put(("runs", "", count))


def _read(path: str, stop: Any, out: Any) -> None:
    slowest = 0.0
    with StoreReader(path) as reader:
        run = reader.runs.get("first").id
        while not stop.is_set():
            start = time.perf_counter()
            assert reader.predictions.count(reader.runs.evaluation(run)) == 400
            reader.predictions.page(reader.runs.evaluation(run), limit=50)
            slowest = max(slowest, time.perf_counter() - start)
            time.sleep(0.02)
    out.put(("wait", "", slowest))


def _explore(path: str, seed: int, seconds: float, out: Any) -> None:
    done = walk(Path(path), seconds, seed)
    out.put(("busy", "", done.busy))
    out.put(("tags", "", done.tags))


@pytest.mark.parametrize("seconds", _lasting(25.0))
def test_two_trainings_an_importer_four_readers_and_two_explorers(
    tmp_path: Path, seconds: float
) -> None:
    path = tmp_path / "runs.db"
    two_runs(path, 400)
    stop, out = SPAWN.Event(), SPAWN.Queue()
    crew = [SPAWN.Process(target=_train, args=(str(path), stop, out)) for _ in range(2)]
    crew.append(SPAWN.Process(target=_import, args=(str(path), stop, out)))
    crew += [SPAWN.Process(target=_read, args=(str(path), stop, out)) for _ in range(4)]
    walkers = [
        SPAWN.Process(target=_explore, args=(str(path), seed, seconds, out)) for seed in (1, 2)
    ]
    for process in [*crew, *walkers]:
        process.start()
    said = [out.get(timeout=seconds + 240) for _ in range(4)]
    stop.set()
    said += [out.get(timeout=60) for _ in crew]
    for process in [*crew, *walkers]:
        process.join(60)
        assert process.exitcode == 0
    slowest = max(value for kind, _, value in said if kind == "wait")
    print(f"{[s if s[0] != 'tags' else ('tags', '', len(s[2])) for s in said]}")
    assert slowest < 1.0
    assert [value for kind, _, value in said if kind == "busy"] == [0, 0]
    with sqlite3.connect(path) as plain:
        assert plain.execute("pragma integrity_check").fetchone()[0] == "ok"
        assert plain.execute("pragma foreign_key_check").fetchall() == []
    with StoreReader(path) as reader:
        for kind, name, value in said:
            if kind == "steps":
                assert len(reader.dynamics.steps(reader.runs.get(name).id)) == value
            if kind == "runs":
                assert len(reader.runs.all()) == 4 + value
        given = {tag for kind, _, tags in said if kind == "tags" for tag in tags}
        assert set(reader.annotations.all_tags()) == given != set()


def _started(db: Path) -> float:
    """Seconds of CPU that `runs list` takes, start of the interpreter included."""
    code = (
        "import os, time; from nliexplorer.cli import app\n"
        "try: app(['runs', 'list', '--json'])\n"
        "except SystemExit: pass\n"
        "import sys; print(time.process_time(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NLIEXPLORER_DB": str(db), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stderr)


@pytest.mark.slow
def test_five_hundred_runs_in_one_database(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    examples = pairs(100)
    sizes: dict[int, int] = {}
    with StoreWriter(path) as writer:
        for number in range(1, 501):
            given = predictions(examples, number)
            run = writer.create_run(name=f"r{number}", objective="baseline", data="d", model="m")
            writer.store_evaluation(run.id, "dev", examples, given, metrics(examples, given))
            writer.finish_run(run.id, status="done")
            if number in (100, 500):
                writer.compact(single_file=True)
                sizes[number] = path.stat().st_size
    one = tmp_path / "one.db"
    two_runs(one, 100)
    few, many = _started(one), _started(path)
    each = (sizes[500] - sizes[100]) / 400
    print(f"500 runs: {sizes[500] / 2**20:.1f} MiB, {each / 100:.0f} bytes a prediction; ", end="")
    print(f"runs list takes {many:.2f} s, with two runs {few:.2f} s")
    assert 100 * 100 < each < 100 * 320  # a row with its logits and its eight index entries
    assert many < few + 0.5
    with StoreReader(path) as reader:
        start = time.process_time()
        assert len(reader.runs.all()) == 500
        assert time.process_time() - start < 0.5
