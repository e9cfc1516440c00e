"""Writers and readers in many processes: nobody is turned away, nothing is lost."""

from __future__ import annotations

import multiprocessing as mp
import os
import random
import signal
import sqlite3
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from nliexplorer.errors import NliError
from nliexplorer.records import StepRecord
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.databases import add_run, metrics, pairs, predictions, two_runs
from tests.polling import poll

SPAWN = mp.get_context("spawn")


def _create(path: str, name: str) -> None:
    with StoreWriter(path) as writer:
        writer.create_run(name=name, objective="baseline", data="d", model="m")


def _names(path: str, queue: mp.Queue[list[str]]) -> None:
    StoreWriter(path).close()
    with StoreReader(path) as reader:
        queue.put([run.name for run in reader.runs.all()])


def test_reading_does_not_cost_a_writer_of_the_same_process_its_locks(tmp_path: Path) -> None:
    """Else the other process, believing it was the last, would take the -wal file away."""
    path = tmp_path / "runs.db"
    with StoreWriter(path) as writer:
        seen: list[list[str]] = []
        for name in ("first", "second", "third"):
            writer.create_run(name=name, objective="baseline", data="d", model="m")
            with StoreReader(path) as reader:
                reader.runs.all()
            queue: mp.Queue[list[str]] = SPAWN.Queue()
            other = SPAWN.Process(target=_names, args=(str(path), queue))
            other.start()
            seen.append(queue.get(timeout=300))
            other.join()
    assert [len(names) for names in seen] == [1, 2, 3]


def _train(path: str, number: int, rounds: int) -> None:
    with StoreWriter(path) as writer:
        run = writer.create_run(name=f"t{number}", objective="baseline", data="d", model="m")
        for step in range(1, rounds + 1):
            writer.add_steps(run.id, [StepRecord(step, 0.1, 1.0, 1.0, 1e-5)])
        writer.finish_run(run.id, status="done")


def _import(path: str, number: int, rounds: int) -> None:
    for i in range(rounds):
        with StoreWriter(path) as writer:
            add_run(writer, f"i{number}-{i}", pairs(60, seed=i % 3), i)


def _tag(path: str, number: int, rounds: int) -> None:
    with StoreReader(path) as reader, StoreWriter(path) as writer:
        key = reader.predictions.rows(reader.runs.evaluation("first"))[0].example_id
        for i in range(rounds):
            writer.tag(key, f"tag-{number}-{i}")


def _read(path: str, stop: Event) -> None:
    with StoreReader(path) as reader:
        while not stop.is_set():
            run = reader.runs.get("first").id
            assert reader.predictions.count(reader.runs.evaluation(run)) == 100
            reader.predictions.page(reader.runs.evaluation(run), limit=50)


def _finish(processes: list[mp.process.BaseProcess], seconds: float) -> None:
    for process in processes:
        process.join(seconds)
        if process.is_alive():
            process.kill()
        assert process.exitcode == 0


def _sound(path: Path) -> None:
    with sqlite3.connect(path) as plain:
        assert plain.execute("pragma integrity_check").fetchone()[0] == "ok"
        assert plain.execute("pragma foreign_key_check").fetchall() == []


def test_many_may_make_the_database_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    workers = [SPAWN.Process(target=_create, args=(str(path), f"r{i}")) for i in range(4)]
    for worker in workers:
        worker.start()
    _finish(workers, 600)
    with StoreReader(path) as reader:
        assert len(reader.runs.all()) == 4


@pytest.mark.parametrize("rounds", [6, pytest.param(400, marks=pytest.mark.slow)])
def test_many_write_and_read_at_once(tmp_path: Path, rounds: int) -> None:
    path = tmp_path / "runs.db"
    two_runs(path, 100)
    stop = SPAWN.Event()
    readers = [SPAWN.Process(target=_read, args=(str(path), stop)) for _ in range(2)]
    writers = [
        SPAWN.Process(target=_train, args=(str(path), 0, 10 * rounds)),
        SPAWN.Process(target=_train, args=(str(path), 1, 10 * rounds)),
        SPAWN.Process(target=_import, args=(str(path), 0, max(2, rounds // 10))),
        SPAWN.Process(target=_tag, args=(str(path), 0, 5 * rounds)),
        SPAWN.Process(target=_tag, args=(str(path), 1, 5 * rounds)),
    ]
    for process in [*readers, *writers]:
        process.start()
    _finish(writers, 600)
    stop.set()
    _finish(readers, 600)
    _sound(path)
    with StoreReader(path) as reader:
        assert len(reader.annotations.all_tags()) == 10 * rounds
        assert len(reader.dynamics.steps(reader.runs.get("t0").id)) == 10 * rounds
        assert len(reader.runs.all()) == 4 + max(2, rounds // 10)
        assert reader.runs.get("i0-0").metrics["dev"].n == 60


def test_a_reader_sees_the_last_state_while_another_writes(database: Path) -> None:
    with StoreWriter(database) as writer, StoreReader(database) as reader:
        run = reader.runs.get("first").id
        with writer.transaction() as connection:
            connection.execute("update predictions set correct = 0")
            assert reader.predictions.count(reader.runs.evaluation(run)) == 200
            assert reader.predictions.arrays(reader.runs.evaluation(run)).correct.any()


def test_a_writer_that_never_gets_its_turn_is_told(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StoreWriter(database) as one, StoreWriter(database) as two:
        two._connection.execute("pragma busy_timeout = 10")
        with one.transaction(), pytest.raises(NliError, match="is busy"):
            two.create_run(name="x", objective="baseline", data="d", model="m")
        two.create_run(name="x", objective="baseline", data="d", model="m")


def _work(path: str) -> None:
    """Train, evaluate, tag, merge, remove, over and over: to be killed."""
    examples = pairs(3_000)
    model_predictions = predictions(examples, 1)
    figures = metrics(examples, model_predictions)
    number = 0
    with StoreWriter(path) as writer:
        while True:
            number += 1
            run = writer.create_run(name="", objective="baseline", data="d", model="m")
            writer.add_steps(run.id, [StepRecord(i, 0.1, 1.0, 1.0, 1e-5) for i in range(1, 9)])
            writer.store_evaluation(run.id, "dev", examples, model_predictions, figures)
            writer.finish_run(run.id, status="done")
            writer.merge_from(f"{path}.other")
            writer.tag("0" * 16 if number < 0 else _first(writer), f"t{number}")
            if number % 3 == 0:
                writer.delete_run(run.id)


def _first(writer: StoreWriter) -> str:
    row = writer._connection.execute("select key from examples order by id limit 1").fetchone()
    return str(row[0])


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_killed_anywhere_nothing_is_half(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "runs.db"
    two_runs(path, 50)
    two_runs(Path(f"{path}.other"), 30)
    wal = Path(f"{path}-wal")
    rng = random.Random(kills)
    for _ in range(kills):
        worker = SPAWN.Process(target=_work, args=(str(path),))
        worker.start()
        before = path.stat().st_mtime_ns
        poll(lambda: wal.exists() and wal.stat().st_size, lambda: "nothing written", pause=0.01)
        time.sleep(rng.uniform(0.0, 0.6))
        assert worker.pid is not None
        assert worker.is_alive(), before
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        _sound(path)
        with StoreReader(path) as reader:
            for run in reader.runs.all():
                for split, figures in run.metrics.items():
                    assert (
                        reader.predictions.count(reader.runs.evaluation(run.id, split)) == figures.n
                    )
                if run.status == "done":
                    assert run.metrics
    with StoreWriter(path) as writer:
        two = writer.create_run(name="after all", objective="baseline", data="d", model="m")
        writer.delete_run(two.id)
