"""Long use: scripted hours at the explorer, hundreds of runs, many processes at one database.

`NLI_SOAK_MINUTES=60 pytest -m soak tests/faults/test_soak.py -s` is the hour, ended by the clock;
the slow tests are ended by a count of rounds, so that a busy machine takes longer and does as much.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import queue
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing, suppress
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest

from nliexplorer.records import StepRecord
from nliexplorer.store.connection import open_reader
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.databases import add_run, metrics, pairs, predictions, two_runs
from tests.faults.walk import Walk, walk

SOAK = 60 * float(os.environ.get("NLI_SOAK_MINUTES", "5"))
SPAWN = mp.get_context("spawn")

#: Kind, name, value: what a process did.
Result = tuple[str, str, Any]


def _until(rounds: int, seconds: float) -> Callable[[Walk], bool]:
    """Whether a walk goes on: for so many rounds, or for so many seconds from its first round."""
    start: list[float] = []

    def go_on(done: Walk) -> bool:
        start.append(time.monotonic())
        return done.rounds < rounds if rounds else start[-1] < start[0] + seconds

    return go_on


def _lengths(rounds: int) -> list[Any]:
    """(rounds, seconds): of the slow test, and of the soak by hand."""
    return [
        pytest.param(rounds, 0.0, marks=pytest.mark.slow, id="slow"),
        pytest.param(0, SOAK, marks=pytest.mark.soak, id="soak"),
    ]


@pytest.mark.parametrize(("rounds", "seconds"), _lengths(60))
def test_memory_stays_flat_at_the_explorer(tmp_path: Path, rounds: int, seconds: float) -> None:
    two_runs(tmp_path / "runs.db", 400)
    done = walk(tmp_path / "runs.db", 1, _until(rounds, seconds))
    quarter = max(1, len(done.memory) // 4)
    early = statistics.median(done.memory[quarter : 2 * quarter] or done.memory[:1])
    late = statistics.median(done.memory[-quarter:])
    print(f"{done.keys} keys in {done.rounds} rounds: {early:.0f} MiB, at the end {late:.0f} MiB")
    assert late <= 1.1 * early
    assert done.busy == 0
    with StoreReader(tmp_path / "runs.db") as reader:
        assert set(reader.annotations.all_tags()) == set(done.tags) != set()


def _train(path: str, stop: Event, results: Queue[Result]) -> None:
    with StoreWriter(path) as writer:
        run = writer.create_run(name=f"t{os.getpid()}", objective="baseline", data="d", model="m")
        step = 0
        while not stop.is_set():
            step += 1
            writer.add_steps(run.id, [StepRecord(step, 0.1, 1.0, 1.0, 1e-5)])
            time.sleep(0.01)
    results.put(("steps", run.name, step))


def _import(path: str, stop: Event, results: Queue[Result]) -> None:
    count = 0
    while not stop.is_set():
        with StoreWriter(path) as writer:
            add_run(writer, f"i{count}", pairs(200, seed=count % 5), count)
        count += 1
        time.sleep(0.2)
    results.put(("runs", "", count))


def _read(path: str, stop: Event, results: Queue[Result]) -> None:
    reads, slowest = 0, 0.0
    with StoreReader(path) as reader:
        evaluation = reader.runs.evaluation("first")
        while not stop.is_set():
            start = time.perf_counter()
            assert reader.predictions.count(evaluation) == 400
            assert len(reader.predictions.page(evaluation, limit=50).rows) == 50
            slowest = max(slowest, time.perf_counter() - start)
            reads += 1
            time.sleep(0.02)
    results.put(("reads", f"slowest {slowest:.2f} s", reads))


def _explore(path: str, seed: int, rounds: int, seconds: float, results: Queue[Result]) -> None:
    done = walk(Path(path), seed, _until(rounds, seconds))
    results.put(("walk", "", (done.busy, done.tags)))


def _collect(results: Queue[Result], n: int, processes: list[BaseProcess]) -> list[Result]:
    """`n` results, however long they take; a process that fails ends the wait."""
    collected: list[Result] = []
    while len(collected) < n:
        failed = [process.name for process in processes if process.exitcode]
        assert not failed, f"{failed} failed"
        with suppress(queue.Empty):
            collected.append(results.get(timeout=1))
    return collected


@pytest.mark.parametrize(("rounds", "seconds"), _lengths(16))
def test_two_trainings_an_importer_four_readers_and_two_explorers(
    tmp_path: Path, rounds: int, seconds: float
) -> None:
    path = tmp_path / "runs.db"
    two_runs(path, 400)
    stop, results = SPAWN.Event(), SPAWN.Queue()
    crew = [
        SPAWN.Process(target=work, args=(str(path), stop, results))
        for work in (_train, _train, _import, *[_read] * 4)
    ]
    walkers = [
        SPAWN.Process(target=_explore, args=(str(path), seed, rounds, seconds, results))
        for seed in (1, 2)
    ]
    everybody = [*crew, *walkers]
    for process in everybody:
        process.start()
    walks = [value for _, _, value in _collect(results, len(walkers), everybody)]
    stop.set()
    work = _collect(results, len(crew), everybody)
    for process in everybody:
        process.join()
        assert process.exitcode == 0
    print(work, [len(tags) for _, tags in walks])
    assert [busy for busy, _ in walks] == [0, 0]
    with sqlite3.connect(path) as plain:
        assert plain.execute("pragma integrity_check").fetchone()[0] == "ok"
        assert plain.execute("pragma foreign_key_check").fetchall() == []
    with StoreReader(path) as reader:
        for kind, name, value in work:
            assert value > 0, kind
            if kind == "steps":
                assert len(reader.dynamics.steps(reader.runs.get(name).id)) == value
            if kind == "runs":
                assert len(reader.runs.all()) == 4 + value
        assert set(reader.annotations.all_tags()) == {tag for _, tags in walks for tag in tags}
        assert all(tags for _, tags in walks)


def _listing(path: Path) -> tuple[int, int]:
    """How many runs there are, and in how many statements they are read."""
    statements: list[str] = []
    with closing(open_reader(path)) as connection:
        connection.set_trace_callback(statements.append)
        return len(StoreReader(connection).runs.all()), len(statements)


@pytest.mark.slow
def test_five_hundred_runs_in_one_database(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    examples = pairs(100)
    sizes: dict[int, int] = {}
    with StoreWriter(path) as writer:
        for number in range(1, 501):
            model_predictions = predictions(examples, number)
            run = writer.create_run(name=f"r{number}", objective="baseline", data="d", model="m")
            writer.store_evaluation(
                run.id, "dev", examples, model_predictions, metrics(examples, model_predictions)
            )
            writer.finish_run(run.id, status="done")
            if number in (100, 500):
                writer.compact(single_file=True)
                sizes[number] = path.stat().st_size
    one = tmp_path / "one.db"
    two_runs(one, 100)
    each = (sizes[500] - sizes[100]) / 400
    print(f"500 runs: {sizes[500] / 2**20:.1f} MiB, {each / 100:.0f} bytes a prediction")
    assert 100 * 100 < each < 100 * 320  # a row with its logits and its eight index entries
    (few, statements), (many, statements_of_many) = _listing(one), _listing(path)
    assert (few, many) == (2, 500)
    assert statements_of_many == statements
