"""The queue that several machines share: an Optuna study with one trial for each run of the plan.

Optuna keeps the trials and their heartbeats. A process changes the queue only while it holds the
study's lock, so that on every storage no run is enqueued twice and none is taken by two machines.
"""

from __future__ import annotations

import hashlib
import json
import platform
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from nliexplorer.errors import NliError
from nliexplorer.privacy import without_secrets
from nliexplorer.progress import say
from nliexplorer.workflow.optuna_storage import (
    import_optuna,
    locked,
    open_storage,
    reaching,
    without_password,
)
from nliexplorer.workflow.search_space import PLACE, differing
from nliexplorer.workflow.study.plan import Plan, Task
from nliexplorer.workflow.study.queues import BLOCKED
from nliexplorer.workflow.study.stored import stored_runs

#: A run whose process gives no sign of life for two intervals is taken again.
HEARTBEAT_SECONDS = 60
POLL_SECONDS = 5.0
_ATTEMPTS = 12  # at reaching a storage that was reached before
_SETTINGS = "settings"  # attribute of the study
_DATABASE, _ERROR = "database", "error"  # attributes of its trials
_ARM_FILES = "arm definitions"


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SharedStudy:
    """The storage at `url` and the study's name there; a `worker` only takes what is enqueued."""

    url: str
    name: str
    worker: bool = False


class SharedQueue:
    """A `TaskQueue` over an Optuna storage. Its methods raise NliError where that is lost."""

    def __init__(self, plan: Plan, tasks: Sequence[Task], db: Path, shared: SharedStudy) -> None:
        """Join the study, or start it. Raises NliError where it was started with other settings,
        and where a worker finds none.
        """
        self._optuna = import_optuna()
        self.poll: float | None = POLL_SECONDS
        self._tasks = {task.key: task for task in tasks}
        self._db, self._shared = db.absolute(), shared
        self._name = f"{shared.name}-{plan.name}"
        self._split = tasks[0].config.eval_splits[0]
        self._taken: dict[str, int] = {}  # key -> number of the trial
        self._closed = threading.Event()
        self._waits = False
        self._storage = open_storage(shared.url, HEARTBEAT_SECONDS)
        with self._alone():
            self._study = self._joined(_settings(plan, tasks))
            self._enqueue(retry_failed=not shared.worker)
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()

    def _joined(self, settings: dict[str, Any]) -> Any:
        where = f"the study {self._name} in {without_password(self._shared.url)}"
        try:
            study = self._optuna.load_study(study_name=self._name, storage=self._storage)
        except KeyError:
            if self._shared.worker:
                raise NliError(
                    f"{where} does not exist", "start it once without --worker", "machines"
                ) from None
            study = self._optuna.create_study(
                study_name=self._name, storage=self._storage, direction="maximize"
            )
        started = study.user_attrs.get(_SETTINGS)
        if started is None and not study.get_trials(deepcopy=False):
            study.set_user_attr(_SETTINGS, settings)
        elif started != settings:
            names = differing(started or {}, settings)
            changed = [name for name in names if name != _ARM_FILES] or names
            raise NliError(
                f"{where} was started with other settings: {', '.join(changed)}",
                "use the same options, or start another study: --study NAME",
                "machines",
            )
        return study

    def take(self) -> Task | None:
        with self._alone():
            self._enqueue()
            latest = self._latest()
            here = stored_runs(self._db)
            models = {key for key, run in here.items() if run.status == "done"}

            def rank(key: str) -> tuple[bool, bool, int]:
                """What was begun here first, then what starts from a model that is at hand."""
                start = self._tasks[key].start
                at_hand = not start or start in models or Path(_checkpoint(latest[start])).is_dir()
                return key not in here, not at_hand, latest[key].number

            ready = [key for key in latest if self._is_ready(key, latest)]
            if not ready:
                return None
            key = min(ready, key=rank)
            trial_id = self._start(latest[key].number)
            self._storage.set_trial_user_attr(trial_id, _DATABASE, self._database)
            self._taken[key] = latest[key].number
        task = self._tasks[key]
        if task.start and task.start not in models:
            task = replace(task, start_model=_checkpoint(latest[task.start]))
        return task

    def done(self, task: Task) -> None:
        run = stored_runs(self._db)[task.key]
        folder = str(self._db.parent / run.checkpoint) if run.checkpoint else ""
        facts = {"run": run.id, "checkpoint": folder, _DATABASE: self._database}
        with self._alone():
            number = self._own(task)
            if number is None:
                say(f"{task.name}: another machine has taken it over; the run made here is kept")
                return
            for name, value in facts.items():
                self._storage.set_trial_user_attr(self._trial_id(number), name, value)
            self._study.tell(number, run.metrics[self._split].accuracy)

    def failed(self, task: Task, reason: str) -> None:
        with self._alone():
            number = self._own(task)
            if number is not None:
                error = without_secrets(reason)[:1000]
                self._storage.set_trial_user_attr(self._trial_id(number), _ERROR, error)
                self._study.tell(number, state=self._optuna.trial.TrialState.FAIL)

    def exhausted(self) -> bool:
        states = self._states()
        if states["waiting"] or self._shared.worker:
            return not states["waiting"]
        if states["running"] and not self._waits:
            self._waits = True
            say(f"waiting for other machines: {', '.join(states['running'])}")
        return not states["running"]

    def progress(self) -> str:
        states = self._states()
        return (
            f"{len(states['done'])} of {len(self._tasks)} runs done by all machines, "
            f"{len(states['running'])} running"
        )

    def failures(self) -> dict[str, str]:
        latest = self._retried(self._latest)
        failed = dict[str, str]()
        for key, trial in latest.items():
            if self._shared.worker and trial.user_attrs.get(_DATABASE) != self._database:
                continue  # whose process it was tells of it
            if _ERROR in trial.user_attrs:
                failed[self._tasks[key].name] = str(trial.user_attrs[_ERROR])
            elif self._is_blocked(key, latest):
                failed[self._tasks[key].name] = BLOCKED
        return failed

    def other_databases(self) -> list[str]:
        """HOST:PATH of the databases that hold further runs of the study."""
        state = self._optuna.trial.TrialState.COMPLETE
        latest = self._retried(self._latest)
        whole = [trial for trial in latest.values() if trial.state == state]
        return sorted({trial.user_attrs[_DATABASE] for trial in whole} - {self._database})

    def close(self) -> None:
        self._closed.set()
        self._heart.join(POLL_SECONDS)
        if not self._taken:
            return
        try:
            with self._alone():
                for number in self._taken.values():
                    with suppress(ValueError):  # over already: it counted as dead
                        self._study.tell(number, state=self._optuna.trial.TrialState.FAIL)
                self._enqueue()
        except NliError as error:
            say(f"{error.message}; its runs are taken again in {2 * HEARTBEAT_SECONDS} seconds")

    def _enqueue(self, *, retry_failed: bool = False) -> None:
        """A waiting trial for each run that has none, and for each one whose process died.

        A worker adds none but those that died. Only in `_alone`.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", self._optuna.exceptions.ExperimentalWarning)
            self._optuna.storages.fail_stale_trials(self._study)
        state = self._optuna.trial.TrialState
        latest = self._latest()
        for key, task in self._tasks.items():
            trial = latest.get(key)
            if trial is None:
                missing = not self._shared.worker
            else:
                given_up = _ERROR in trial.user_attrs and not retry_failed
                missing = trial.state == state.FAIL and not given_up
            if missing:
                self._study.add_trial(self._waiting_trial(task))

    def _waiting_trial(self, task: Task) -> Any:
        optuna = self._optuna
        arms = sorted({each.arm for each in self._tasks.values()})
        seeds = sorted({each.config.seed for each in self._tasks.values()})
        return optuna.trial.create_trial(
            state=optuna.trial.TrialState.WAITING,
            params={"arm": task.arm, "seed": task.config.seed},
            distributions={
                "arm": optuna.distributions.CategoricalDistribution(arms),
                "seed": optuna.distributions.CategoricalDistribution(seeds),
            },
            user_attrs={"key": task.key},
        )

    def _latest(self) -> dict[str, Any]:
        """The trial that counts of each task, in the plan's order: the one added last."""
        trials = {
            trial.user_attrs.get("key"): trial
            for trial in sorted(
                self._study.get_trials(deepcopy=False), key=lambda trial: int(trial.number)
            )
        }
        return {key: trials[key] for key in self._tasks if key in trials}

    def _states(self) -> dict[str, list[str]]:
        """Names of the tasks that are done, running anywhere, or waiting and not blocked."""
        state = self._optuna.trial.TrialState
        latest = self._retried(self._latest)
        names: dict[str, list[str]] = {"done": [], "running": [], "waiting": []}
        kinds = {state.COMPLETE: "done", state.RUNNING: "running", state.WAITING: "waiting"}
        for key, trial in latest.items():
            kind = kinds.get(trial.state)
            if kind and not (kind == "waiting" and self._is_blocked(key, latest)):
                names[kind].append(self._tasks[key].name)
        return names

    def _is_ready(self, key: str, latest: Mapping[str, Any]) -> bool:
        state = self._optuna.trial.TrialState
        start = self._tasks[key].start
        return latest[key].state == state.WAITING and (
            not start or (start in latest and latest[start].state == state.COMPLETE)
        )

    def _is_blocked(self, key: str, latest: Mapping[str, Any]) -> bool:
        start = self._tasks[key].start
        if not start or start not in latest:
            return False
        return _ERROR in latest[start].user_attrs or self._is_blocked(start, latest)

    def _own(self, task: Task) -> int | None:
        """Number of the running trial that this process answers for; None where another has it.

        A process that was suspended for long counts as dead: it takes its trial back where it
        waits again.
        """
        state = self._optuna.trial.TrialState
        number = self._taken.pop(task.key)
        latest = self._latest()[task.key]
        if latest.number == number and latest.state == state.RUNNING:
            return number
        if latest.state == state.FAIL:
            self._enqueue()
            latest = self._latest()[task.key]
        if latest.state != state.WAITING:
            return None
        self._start(latest.number)
        return int(latest.number)

    def _start(self, number: int) -> int:
        """Waiting -> running. The first heartbeat comes before, so that none is without one."""
        trial_id = self._trial_id(number)
        self._storage.record_heartbeat(trial_id)
        self._storage.set_trial_state_values(trial_id, self._optuna.trial.TrialState.RUNNING)
        return trial_id

    def _trial_id(self, number: int) -> int:
        study_id = self._storage.get_study_id_from_name(self._name)
        return int(self._storage.get_trial_id_from_study_id_trial_number(study_id, number))

    @property
    def _database(self) -> str:
        return f"{platform.node()}:{self._db}"

    def _beat(self) -> None:
        told = False
        while not self._closed.wait(HEARTBEAT_SECONDS):
            for number in list(self._taken.values()):
                try:
                    self._storage.record_heartbeat(self._trial_id(number))
                except Exception as error:  # the run goes on, and may yet be reported
                    if not told:
                        say(f"no heartbeat can be recorded: {type(error).__name__}")
                    told = True
        self._storage.remove_session()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with ExitStack() as stack:
            name = f"{self._name} (lock)"
            self._retried(lambda: stack.enter_context(locked(self._storage, name)))
            stack.enter_context(reaching(self._shared.url))
            yield

    def _retried(self, action: Callable[[], T]) -> T:
        """What `action` returns; a storage that is away for a minute costs nobody a run."""
        for attempt in range(_ATTEMPTS):
            try:
                with reaching(self._shared.url):
                    return action()
            except NliError as error:
                if attempt + 1 == _ATTEMPTS:
                    raise
                if attempt == 0:
                    say(f"{error.message}; trying again")
                time.sleep(POLL_SECONDS)
        raise AssertionError  # not reached


def _settings(plan: Plan, tasks: Sequence[Task]) -> dict[str, Any]:
    """What must be the same on every machine; JSON values."""
    first = tasks[0].config.as_dict()
    keys = " ".join(task.key for task in tasks)
    settings = {
        "base": {key: value for key, value in first.items() if key not in ("seed", *PLACE)},
        "arms and seeds": [task.name for task in tasks],
        "also": list(plan.also),
        "attributed": plan.attributed,
        "judged": plan.judged,
        _ARM_FILES: hashlib.sha256(keys.encode()).hexdigest(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return plain


def _checkpoint(trial: Any) -> str:
    """The folder in which the machine that made a run keeps its model."""
    return str(trial.user_attrs.get("checkpoint", ""))
