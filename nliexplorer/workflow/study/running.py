"""Trains the missing runs of a study; resumes interrupted ones.

A run carries its task's key in its summary: that, not its name or place, says what it computed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
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
from nliexplorer.workflow.train import resume_run, train_all

_PATIENCE = 20.0  # seconds that a worker without a parent has to save its run

#: (database, plan, task) -> nothing; raises NliError where the run can't be made.
Make = Callable[[Path, Plan, Task], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did; `failed`: run name -> why."""

    done: int
    made: int
    failed: dict[str, str]


def run_plan(
    plan: Plan, db: Path, *, arms: Sequence[str] = (), jobs: int = 1, make: Make | None = None
) -> Outcome:
    """Make every run of the `arms` (default: all) that is missing, `jobs` at a time."""
    tasks = plan.tasks(arms)
    stored = stored_runs(db)
    _refuse_strangers(tasks, stored, db)
    _refuse_missing_sets(plan)
    missing = [task for task in tasks if not is_whole(stored.get(task.key), plan)]
    done = {task.key for task in tasks} - {task.key for task in missing}
    say(f"{plan.name}: {len(tasks)} runs, {len(done)} of them done")
    failed = _work(missing, done, _starter(plan, db, jobs, make or make_run), jobs)
    return Outcome(len(tasks) - len(missing), len(missing) - len(failed), failed)


def default_jobs(device: str | None) -> int:
    """Small models leave a second core idle; a GPU is no faster for two."""
    from nliexplorer.modeling.devices import resolve_device

    several = (os.cpu_count() or 1) > 1
    return 2 if several and resolve_device(device or "auto").type == "cpu" else 1


def stored_runs(db: Path) -> dict[str, Run]:
    """Runs of studies by their task's key; of several, one that is done."""
    if not db.exists():
        return {}
    with StoreReader(db) as reader:
        runs = [run for run in reader.runs.all() if "study_key" in run.summary]
    runs.sort(key=lambda run: run.status == "done")
    return {run.summary["study_key"]: run for run in runs}


def is_whole(run: Run | None, plan: Plan) -> bool:
    """Trained, evaluated on every set, and measured as this plan asks."""
    if run is None or run.status != "done":
        return False
    required = {split_key(*_data_and_split(text), run.data) for text in plan.also}
    if not required <= set(run.metrics):
        return False
    measured = run.summary.get("measures", {})
    measured_counts = (measured.get("attributed"), measured.get("judged"))
    return not plan.attributed or measured_counts == (plan.attributed, plan.judged)


def make_run(db: Path, plan: Plan, task: Task) -> None:
    """Train (or go on with) the task's run, evaluate it on every set, and measure it."""
    stored = stored_runs(db)
    run = stored.get(task.key)
    if run is None:
        config = task.config
        if task.start:
            config = replace(config, model=stored[task.start].checkpoint)
        (run_id,) = train_all([config], db, stem=task.name, notes={"study_key": task.key})
    else:
        run_id = run.id if run.status == "done" else resume_run(db, run.id)
    for text in plan.also:
        data, split = _data_and_split(text)
        with StoreReader(db) as reader:
            there = split_key(data, split, task.config.data) in reader.runs.get(run_id).metrics
        if not there:
            samples = task.config.eval_samples
            evaluate_run(db, run_id, data, split, Forward(task.config.device), samples=samples)
    if plan.attributed:
        measure_run(db, run_id, plan.attributed, plan.judged, task.config.device)


def _data_and_split(text: str) -> tuple[str, str]:
    """`DATA` or `DATA#SPLIT` (default: dev, else what there is); a colon may be part of DATA."""
    data, _, split = text.partition("#")
    if not split:
        from nliexplorer.data.sources import default_split

        split = default_split(data)
    return data, split


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

    for data, split in map(_data_and_split, plan.also):
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


def _work(
    missing: Sequence[Task],
    done: set[str],
    starter: tuple[Start, Callable[[], None]],
    jobs: int,
) -> dict[str, str]:
    """Start tasks in order as soon as what they start from is done; returns those that failed."""
    start, end = starter
    waiting, failed = list(missing), dict[str, str]()
    running: dict[Future[None], Task] = {}
    try:
        while waiting or running:
            ready = next((t for t in waiting if not t.start or t.start in done), None)
            if ready is not None and len(running) < jobs:
                waiting.remove(ready)
                running[start(ready)] = ready
                continue
            if not running:  # what they start from has failed
                failed |= {task.name: "what it starts from failed" for task in waiting}
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                error = future.exception()
                if error is None:
                    done.add(task.key)
                    say(f"{task.name}: done; {len(waiting) + len(running)} to go")
                elif isinstance(error, Exception):  # one run's trouble must not cost the others
                    failed[task.name] = getattr(error, "message", repr(error))
                    say(f"{task.name} failed: {failed[task.name]}")
                else:
                    raise error
    except KeyboardInterrupt:
        for worker in active_children():
            worker.terminate()  # one that trains saves first
        say("interrupted; run the same command to continue the study")
        raise
    finally:
        end()
    return failed
