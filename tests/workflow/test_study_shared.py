"""A study shared by several machines: nothing enqueued or made twice, nothing lost."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

pytest.importorskip("optuna")
import optuna
from optuna.trial import TrialState

from nliexplorer.errors import NliError
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow import optuna_storage
from nliexplorer.workflow.optuna_storage import locked, open_storage
from nliexplorer.workflow.study import shared
from nliexplorer.workflow.study.plan import Plan
from nliexplorer.workflow.study.results import collect_results
from nliexplorer.workflow.study.running import run_plan
from nliexplorer.workflow.study.shared import SharedQueue, SharedStudy
from tests.postgres import postgres
from tests.workflow.test_study import TINY, Maker, small

pytestmark = pytest.mark.slow

NAME = "study-planted"
ARMS = ["exact", "tuned-exact"]  # and what they need: 4 arms


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "HEARTBEAT_SECONDS", 1)
    monkeypatch.setattr(shared, "POLL_SECONDS", 0.1)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'optuna.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'optuna.db'}"
    else:
        with postgres() as server:
            yield server


def trials(url: str) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=NAME, storage=url).get_trials(deepcopy=False)


def states(url: str) -> Counter[TrialState]:
    return Counter(trial.state for trial in trials(url))


def join(plan: Plan, db: Path, url: str, *, worker: bool = False) -> SharedQueue:
    return SharedQueue(plan, plan.tasks(ARMS), db, SharedStudy(url, "study", worker))


def test_machines_that_start_at_once_enqueue_each_run_once(tmp_path: Path, storage: str) -> None:
    """Six at a barrier, the tables of the storage not there yet."""
    plan, machines = small(tmp_path), 6
    barrier = Barrier(machines)

    def start(number: int) -> None:
        barrier.wait()
        join(plan, tmp_path / f"{number}.db", storage).close()

    with ThreadPoolExecutor(machines) as pool:
        list(pool.map(start, range(machines)))
    assert [(t.params["arm"], t.params["seed"]) for t in trials(storage)] == [
        (task.arm, task.config.seed) for task in plan.tasks(ARMS)
    ]
    assert states(storage) == {TrialState.WAITING: 8}
    names = [s.study_name for s in optuna.get_all_study_summaries(storage)]
    assert names == [NAME]  # no lock is left


def test_machines_share_the_runs_and_a_merge_has_them_all(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, makers = small(tmp_path), [Maker(), Maker()]
    dbs = [tmp_path / "a.db", tmp_path / "b.db"]
    barrier = Barrier(2)

    def machine(number: int) -> None:
        barrier.wait()
        study = SharedStudy(url, "study")
        run_plan(plan, dbs[number], arms=ARMS, make=makers[number], shared=study)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(machine, range(2)))
    made = [name for maker in makers for name in maker.made]
    assert sorted(made) == sorted(task.name for task in plan.tasks(ARMS))
    assert states(url) == {TrialState.COMPLETE: 8}
    assert "8 of 8 runs done by all machines, 0 running" in capsys.readouterr().err
    with StoreWriter(dbs[0]) as writer:
        if dbs[1].exists():
            writer.merge_from(dbs[1])
    assert collect_results(plan, dbs[0]).done == 8


def test_ctrl_c_gives_the_run_back(tmp_path: Path, url: str) -> None:
    plan, first, second = small(tmp_path), Maker(), Maker()
    first.stop_after = 2
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, tmp_path / "a.db", arms=ARMS, make=first, shared=SharedStudy(url, "study"))
    left = states(url)
    assert (left[TrialState.COMPLETE], left[TrialState.WAITING], left[TrialState.RUNNING]) == (
        *(2, 6),
        0,
    )
    outcome = run_plan(
        plan, tmp_path / "b.db", arms=ARMS, make=second, shared=SharedStudy(url, "study")
    )
    assert (outcome.made, outcome.failed) == (6, {})
    assert outcome.elsewhere[0].endswith(str(tmp_path / "a.db"))
    assert not set(first.made) & set(second.made)


def test_the_run_of_a_dead_process_is_taken_again(tmp_path: Path, storage: str) -> None:
    plan, maker = small(tmp_path), Maker()
    dead = join(plan, tmp_path / "a.db", storage)
    task = dead.take()
    assert task is not None
    dead._closed.set()  # its heart stops, and nobody gives the run back
    run_plan(plan, tmp_path / "b.db", arms=ARMS, make=maker, shared=SharedStudy(storage, "study"))
    assert sorted(maker.made) == sorted(each.name for each in plan.tasks(ARMS))
    assert states(storage) == {TrialState.COMPLETE: 8, TrialState.FAIL: 1}


def test_a_living_process_shows_it_as_long_as_its_run_takes(tmp_path: Path, url: str) -> None:
    queue = join(small(tmp_path), tmp_path / "a.db", url)
    assert queue.take() is not None
    seen = set[str]()
    for _ in range(600):  # seconds long at most; three beats are all that it takes
        with closing(sqlite3.connect(tmp_path / "optuna.db", timeout=60)) as plain:
            ((beat,),) = plain.execute("select heartbeat from trial_heartbeats")
        seen.add(beat)
        if len(seen) == 3:
            break
        time.sleep(0.2)
    queue.close()
    assert len(seen) == 3


def test_a_suspended_process_reports_its_run_where_nobody_made_it_meanwhile(
    tmp_path: Path, url: str
) -> None:
    plan, maker = small(tmp_path), Maker()
    slow = join(plan, tmp_path / "a.db", url)
    task = slow.take()
    assert task is not None
    slow._closed.set()
    time.sleep(3.5)
    other = join(plan, tmp_path / "b.db", url)  # finds it dead, and it waits again
    assert states(url)[TrialState.WAITING] == 8
    maker(tmp_path / "a.db", plan, task)
    slow.done(task)
    assert states(url)[TrialState.COMPLETE] == 1
    taken = other.take()
    assert taken is not None
    assert taken.key != task.key
    other.close()


def test_a_storage_that_is_away_for_a_moment(
    tmp_path: Path,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan, maker, study = small(tmp_path, (0,)), Maker(), SharedStudy(url, "study")
    create, locks = optuna.storages.RDBStorage.create_new_study, Counter[str]()

    def flaky(*arguments: Any, **named: Any) -> int:
        if not named:  # a lock; the study itself is created by name
            locks["asked"] += 1
            if locks["asked"] % 3 == 0:
                raise optuna.exceptions.StorageInternalError("the server restarts")
        return create(*arguments, **named)

    monkeypatch.setattr(optuna.storages.RDBStorage, "create_new_study", flaky)
    assert run_plan(plan, tmp_path / "a.db", arms=ARMS, make=maker, shared=study).made == 4
    assert "cannot be reached: the server restarts; trying again" in capsys.readouterr().err

    def down(*arguments: Any, **named: Any) -> int:
        raise optuna.exceptions.StorageInternalError("the server is down")

    monkeypatch.setattr(optuna.storages.RDBStorage, "create_new_study", down)
    with pytest.raises(NliError, match="cannot be reached: the server is down"):
        run_plan(plan, tmp_path / "a.db", arms=ARMS, make=maker, shared=study)


def test_a_lock_left_behind_is_broken(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(url)
    with pytest.raises(RuntimeError), locked(storage, f"{NAME} (lock)"):
        raise RuntimeError
    assert not optuna.get_all_study_summaries(url)
    storage.create_new_study([optuna.study.StudyDirection.MINIMIZE], f"{NAME} (lock)")
    monkeypatch.setattr(optuna_storage, "_LOCK_SECONDS", 0.3)
    join(small(tmp_path), tmp_path / "a.db", url).close()
    assert states(url) == {TrialState.WAITING: 8}


def test_a_failed_run_is_not_taken_by_others_but_by_the_same_command_again(
    tmp_path: Path, url: str
) -> None:
    plan, maker, study = small(tmp_path, (0,)), Maker(), SharedStudy(url, "study")
    maker.refuse = "baseline"
    outcome = run_plan(plan, tmp_path / "a.db", arms=ARMS, make=maker, shared=study)
    assert outcome.failed["baseline-s0"] == "the loss is not finite"
    assert outcome.failed["tuned-baseline-s0"] == "the run that it starts from failed"
    worker = SharedStudy(url, "study", worker=True)
    other = run_plan(plan, tmp_path / "b.db", arms=ARMS, make=maker, shared=worker)
    assert (other.made, other.failed) == (0, {})  # its own failures alone
    maker.refuse = ""
    assert run_plan(plan, tmp_path / "a.db", arms=ARMS, make=maker, shared=study).made == 3
    assert sorted(maker.made) == sorted(task.name for task in plan.tasks(ARMS))


def test_a_worker_takes_what_is_enqueued_and_starts_nothing(tmp_path: Path, url: str) -> None:
    plan, maker = small(tmp_path, (0,)), Maker()
    worker = SharedStudy(url, "study", worker=True)
    with pytest.raises(NliError, match="does not exist") as missing:
        run_plan(plan, tmp_path / "a.db", arms=ARMS, make=maker, shared=worker)
    assert missing.value.hint == "start it once without --worker"
    running = join(plan, tmp_path / "b.db", url)
    task = running.take()
    # one runs elsewhere and what goes on from it waits: the worker makes the rest
    assert task is not None
    assert task.name == "baseline-s0"
    maker(tmp_path / "b.db", plan, task)
    running.done(task)
    outcome = run_plan(plan, tmp_path / "a.db", arms=ARMS, make=maker, shared=worker)
    assert outcome.made == 3
    assert run_plan(plan, tmp_path / "a.db", arms=ARMS, make=maker, shared=worker).made == 0
    running.close()


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda path: replace(small(path), also=("planted#clean",)), "also"),
        (lambda path: small(path, (0, 1, 2)), "arms and seeds"),
        (lambda path: _longer(path), "max_steps"),
    ],
)
def test_another_study_of_that_name_is_refused(
    tmp_path: Path, url: str, change: Callable[[Path], Plan], names: str
) -> None:
    join(small(tmp_path), tmp_path / "a.db", url).close()
    with pytest.raises(NliError) as refused:
        join(change(tmp_path), tmp_path / "b.db", url)
    assert refused.value.message == (
        f"the study {NAME} in {url} was started with other settings: {names}"
    )
    assert "--study NAME" in refused.value.hint
    assert states(url) == {TrialState.WAITING: 8}


def _longer(path: Path) -> Plan:
    from nliexplorer.workflow.study.plan import load_plan

    changes = {**TINY, "max_steps": 4, "output_dir": str(path)}
    return replace(load_plan("planted", changes, seeds=(0, 1)), attributed=6, judged=2)


@pytest.mark.parametrize(
    ("url", "message", "hint"),
    [
        ("postgresql+psycopg://me:secret@127.0.0.1:1/db", "127.0.0.1:1/db cannot be", "server"),
        ("sqlite:////no/such/folder/study.db", "unable to open database file", "check its path"),
        ("mysql+nodriver://host/db", "is not the URL of a storage", "for example sqlite:///"),
        ("mysql://host/db", "needs the driver MySQLdb", "pip install mysqlclient"),
        ("nonsense", "nonsense is not the URL", "for example sqlite:///"),
    ],
)
def test_a_storage_that_cannot_be_used(tmp_path: Path, url: str, message: str, hint: str) -> None:
    if "psycopg" in url:
        pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    with pytest.raises(NliError) as refused:
        join(small(tmp_path), tmp_path / "a.db", url)
    assert message in refused.value.message
    assert hint in refused.value.hint
    assert "secret" not in str(refused.value)
    assert "\n" not in refused.value.message


def _command(tmp_path: Path, name: str, url: str, *more: str) -> list[str]:
    """The real command in a process of its own, with a heartbeat that a test can wait for."""
    code = (
        "from nliexplorer.workflow.study import shared;"
        "shared.HEARTBEAT_SECONDS, shared.POLL_SECONDS = 1, 0.2;"
        "from nliexplorer.cli import main; main()"
    )
    options = [f"--set={key}={value!r}" for key, value in TINY.items() if key == "data"]
    options += ["--train-samples", "60", "--eval-samples", "30", "--max-steps", "3"]
    options += ["--arm", "tuned-exact", "--attributed", "0", "--jobs", "1", "--device", "cpu"]
    options += ["--seed", "0", "--seed", "1", "--output-dir", str(tmp_path / name)]
    return [
        *(sys.executable, "-c", code, "study", "--storage", url, *options),
        *("--db", str(tmp_path / f"{name}.db"), *more),
    ]


def _lines(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("storage", "worker"), [("sqlite", True), ("postgres", False)], indirect=["storage"]
)
def test_two_processes_one_of_them_killed(tmp_path: Path, storage: str, worker: bool) -> None:
    """kill -9 while it trains: the other makes its run, and the merge has every run once."""
    with _lines(_command(tmp_path, "a", storage)) as killed:
        assert killed.stderr is not None
        for line in killed.stderr:
            if ": training" in line:
                break
        other = _lines(_command(tmp_path, "b", storage, *(["--worker"] if worker else [])))
        killed.send_signal(signal.SIGKILL)
    assert other.stderr is not None
    with other:
        said = other.stderr.read()
    assert other.returncode == 0, said
    assert "6 of 6 runs done by all machines, 0 running" in said
    assert states(storage) == {TrialState.COMPLETE: 6, TrialState.FAIL: 1}
    with StoreWriter(tmp_path / "a.db") as writer:
        writer.merge_from(tmp_path / "b.db")
    with StoreReader(tmp_path / "a.db") as reader:
        done = Counter(run.name for run in reader.runs.all() if run.status == "done")
    assert sum(done.values()) == 6
    table = subprocess.run(
        [*_command(tmp_path, "a", storage), "--tables-only", "--json"],
        capture_output=True,
        text=True,
    )
    assert '"done": 6' in table.stdout, table.stderr


@pytest.mark.slow
def test_a_run_goes_on_from_a_model_of_another_machine(tmp_path: Path, url: str) -> None:
    """From its folder where it can be seen; else the same model is trained here first."""
    plan = replace(small(tmp_path, (0,)), attributed=0)
    arms, study = ["tuned-baseline"], SharedStudy(url, "study")
    queue = SharedQueue(plan, plan.tasks(arms), tmp_path / "a.db", study)
    first = queue.take()
    assert first is not None
    from nliexplorer.workflow.study.running import make_run

    make_run(tmp_path / "a.db", plan, first)
    queue.done(first)
    queue.close()
    with StoreReader(tmp_path / "a.db") as reader:
        model = Path(reader.runs.get("baseline-s0").checkpoint)
    run_plan(plan, tmp_path / "b.db", arms=arms, shared=study)
    with StoreReader(tmp_path / "b.db") as reader:
        (run,) = reader.runs.all()
    assert run.config["model"] == str(model)
    again = SharedStudy(url, "again")
    queue = SharedQueue(plan, plan.tasks(arms), tmp_path / "a.db", again)
    first = queue.take()
    assert first is not None
    queue.done(first)
    queue.close()
    model.rename(tmp_path / "out of sight")
    run_plan(plan, tmp_path / "c.db", arms=arms, shared=again)
    with StoreReader(tmp_path / "c.db") as reader:
        runs = {run.name: run for run in reader.runs.all()}
    assert runs["tuned-baseline-s0"].config["model"] == runs["baseline-s0"].checkpoint
