"""Trains the missing runs of a study; resumes interrupted ones.

A run carries its task's key in its summary: that, not its name or place, says what it computed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread

from nliexplorer.errors import NliError
from nliexplorer.progress import say
from nliexplorer.records import Run
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.evaluate import Forward, evaluate_run, split_key
from nliexplorer.workflow.study.measuring import measure_run
from nliexplorer.workflow.study.plan import Plan, Task
from nliexplorer.workflow.study.queues import LocalQueue, TaskQueue
from nliexplorer.workflow.study.shared import SharedQueue, SharedStudy
from nliexplorer.workflow.study.stored import data_and_split, is_whole, stored_runs
from nliexplorer.workflow.train import resume_run, train_all

_PATIENCE = 20.0  # seconds that a worker without a parent has to save its run

#: (database, plan, task) -> nothing; raises NliError where the run can't be made.
Make = Callable[[Path, Plan, Task], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did: runs `made`; `failed`, run name -> why; further databases of the study."""

    made: int
    failed: dict[str, str]
    elsewhere: tuple[str, ...] = ()  # HOST:PATH


def run_plan(
    plan: Plan,
    db: Path,
    *,
    arms: Sequence[str] = (),
    jobs: int = 1,
    make: Make | None = None,
    shared: SharedStudy | None = None,
) -> Outcome:
    """Make every run of the `arms` (default: all) that is missing, `jobs` at a time.

    With `shared`, runs are missing that no machine has made, and each machine takes the next one.
    """
    tasks = plan.tasks(arms)
    stored = stored_runs(db)
    _refuse_strangers(tasks, stored, db)
    _refuse_missing_sets(plan)
    workers = partial(_starter, plan, db, jobs, make or make_run)
    if shared is None:
        done = {task.key for task in tasks if is_whole(stored.get(task.key), plan)}
        say(f"{plan.name}: {len(tasks)} runs, {len(done)} of them done")
        local = LocalQueue(tasks, done)
        return Outcome(_work(local, *workers(), jobs), local.failures())
    with closing(SharedQueue(plan, tasks, db, shared)) as queue:
        say(f"{plan.name}: {queue.progress()}")
        made = _work(queue, *workers(), jobs)
        return Outcome(made, queue.failures(), tuple(queue.other_databases()))


def default_jobs(device: str | None) -> int:
    """Small models leave a second core idle; a GPU is no faster for two."""
    from nliexplorer.modeling.devices import resolve_device

    several = (os.cpu_count() or 1) > 1
    return 2 if several and resolve_device(device or "auto").type == "cpu" else 1


def make_run(db: Path, plan: Plan, task: Task) -> None:
    """Train (or go on with) the task's run, evaluate it on every set, and measure it."""
    stored = stored_runs(db)
    run = stored.get(task.key)
    if is_whole(run, plan):
        return
    if run is None:
        config = task.config
        if task.start:
            config = replace(config, model=_starting_model(db, plan, task, stored))
        (run_id,) = train_all([config], db, stem=task.name, notes={"study_key": task.key})
    else:
        run_id = run.id if run.status == "done" else resume_run(db, run.id)
    for text in plan.also:
        data, split = data_and_split(text)
        with StoreReader(db) as reader:
            there = split_key(data, split, task.config.data) in reader.runs.get(run_id).metrics
        if not there:
            samples = task.config.eval_samples
            evaluate_run(db, run_id, data, split, Forward(task.config.device), samples=samples)
    if plan.attributed:
        measure_run(db, run_id, plan.attributed, plan.judged, task.config.device)


def _starting_model(db: Path, plan: Plan, task: Task, stored: Mapping[str, Run]) -> str:
    """Folder of the model that the task goes on from, which may be another machine's.

    Where that folder cannot be seen from here, the same model is trained here first.
    """
    if task.start not in stored or stored[task.start].status != "done":
        if Path(task.start_model).is_dir():
            return task.start_model
        start = next(each for each in plan.tasks() if each.key == task.start)
        say(f"{task.name} goes on from {start.name}, whose model is not on this machine: train it")
        make_run(db, plan, start)
        stored = stored_runs(db)
    return stored[task.start].checkpoint


def _refuse_strangers(tasks: Sequence[Task], stored: dict[str, Run], db: Path) -> None:
    """Before hours of work: no name may belong to a run that computed something else."""
    if not db.exists():
        return
    with StoreReader(db) as reader:
        keys = {run.name: run.summary.get("study_key") for run in reader.runs.all()}
    for task in tasks:
        if task.key not in stored and task.name in keys:
            raise NliError(
                f"{db} has a run {task.name!r} that was trained with other settings",
                "name another database: --db FILE",
            )


def _refuse_missing_sets(plan: Plan) -> None:
    from nliexplorer.data.sources import available_splits

    for data, split in map(data_and_split, plan.also):
        there = available_splits(data)
        if split not in there:
            raise NliError(
                f"{data} has no split {split!r}", f"it has {', '.join(there)}: --also {data}#SPLIT"
            )


Start = Callable[[Task], "Future[None]"]


def _starter(plan: Plan, db: Path, jobs: int, make: Make) -> tuple[Start, Callable[[], None]]:
    """How to start a task, and how to end the workers."""
    if jobs == 1:

        def here(task: Task) -> Future[None]:
            future: Future[None] = Future()
            try:
                make(db, plan, task)
            except Exception as error:  # told by `_work`, as one from a worker is
                future.set_exception(error)
            else:
                future.set_result(None)
            return future

        return here, lambda: None
    threads = max(1, (os.cpu_count() or 1) // jobs)
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_begin_worker, initargs=(threads,)
    )
    return lambda task: pool.submit(_make, make, db, plan, task), lambda: pool.shutdown(
        cancel_futures=True
    )


def _begin_worker(threads: int) -> None:
    """Workers share the cores instead of fighting for them, and end with who started them.

    Ctrl-C reaches the parent alone, which then asks each worker once: a second signal would end
    the program before it has saved.
    """
    import torch

    if hasattr(os, "setsid"):
        os.setsid()
    # A worker that dies of a signal breaks the pool, which then kills the others while they save.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(threads)
    Thread(target=_follow_parent, daemon=True).start()


def _make(make: Make, db: Path, plan: Plan, task: Task) -> None:
    """One task; a request to end it interrupts it, whatever it is at."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        make(db, plan, task)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _follow_parent() -> None:
    """A worker whose parent was killed saves what it trains, then ends."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)  # a request to save
    time.sleep(_PATIENCE)
    os._exit(1)


def _work(queue: TaskQueue, start: Start, end: Callable[[], None], jobs: int) -> int:
    """Make tasks of the queue, `jobs` at a time, until it has no more; returns how many."""
    made, running = 0, dict[Future[None], Task]()
    try:
        while True:
            task = queue.take() if len(running) < jobs else None
            if task is not None:
                running[start(task)] = task
                continue
            if not running:
                if queue.exhausted():
                    return made
                time.sleep(queue.poll or 0)
                continue
            pause = queue.poll if len(running) < jobs else None
            for future in wait(running, pause, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                error = future.exception()
                if error is None:
                    queue.done(task)
                    made += 1
                    say(f"{task.name}: done; {queue.progress()}")
                elif isinstance(error, Exception):  # one run's trouble must not cost the others
                    reason = getattr(error, "message", repr(error))
                    queue.failed(task, reason)
                    say(f"{task.name} failed: {reason}")
                else:
                    raise error
    except KeyboardInterrupt:
        for worker in active_children():
            worker.terminate()  # one that trains saves first
        say("interrupted; run the same command to continue the study")
        raise
    finally:
        end()
