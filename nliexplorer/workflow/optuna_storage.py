"""Optuna storages for `sweep` and `study`: opened here, and whatever fails is one NliError."""

from __future__ import annotations

import random
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nliexplorer.errors import NliError

#: What to install for the Python module that SQLAlchemy did not find.
_DRIVERS = {
    "psycopg": "'psycopg[binary]'",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
}
_SQLITE_TIMEOUT = 60.0  # seconds that a process waits while another one writes
_LOCK_SECONDS = 30.0  # a lock held for longer was left behind by a process that was killed
_ATTEMPTS = 20  # at creating tables that another process creates at this moment


def open_storage(url: str, heartbeat: int | None = None) -> Any:
    """The `optuna.storages.RDBStorage` behind `url`, made where it is new.

    A trial without a sign of life for two `heartbeat` intervals (seconds) counts as stale. Raises
    NliError where Optuna or the driver is not installed, or the storage cannot be reached.
    """
    optuna = import_optuna()
    options: dict[str, Any] = {"pool_pre_ping": True}
    if url.startswith("sqlite"):
        options["connect_args"] = {"timeout": _SQLITE_TIMEOUT}
    with reaching(url), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        for attempt in range(_ATTEMPTS):
            try:
                return optuna.storages.RDBStorage(url, options, heartbeat_interval=heartbeat)
            except Exception as error:
                if attempt + 1 == _ATTEMPTS or not _being_created(error):
                    raise
                time.sleep(random.uniform(0.05, 0.3))
    raise AssertionError  # not reached


def import_optuna() -> Any:
    """The module, with only warnings in its log."""
    try:
        import optuna
    except ImportError:
        raise NliError(
            "Optuna is not installed",
            "install it: pip install 'nliexplorer[sweep]'",
            "machines",
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def without_password(url: str) -> str:
    """Host and database of a storage URL, as messages name it."""
    return url.rsplit("@", 1)[-1]


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Errors of SQLAlchemy, its driver and Optuna become one NliError each."""
    try:
        yield
    except Exception as error:
        module = type(error).__module__.partition(".")[0]
        if module not in ("sqlalchemy", "optuna", "psycopg") and not isinstance(error, ImportError):
            raise
        raise _explained(error, url) from error


def _explained(error: Exception, url: str) -> NliError:
    where = without_password(url)
    cause = error.__cause__ if error.__cause__ is not None else error
    if isinstance(cause, ImportError):
        module = (getattr(cause, "name", None) or "").partition(".")[0]
        package = _DRIVERS.get(module, module or "it")
        return NliError(
            f"the storage {where} needs the driver {module or cause}, which is not installed",
            f"install it: pip install {package}",
            "machines",
        )
    text = (str(cause).strip() or type(cause).__name__).splitlines()[0][:300]
    if type(cause).__name__ in ("ArgumentError", "NoSuchModuleError"):
        return NliError(
            f"{where} is not the URL of a storage: {text}",
            "for example sqlite:///study.db or postgresql+psycopg://USER@HOST/DATABASE",
            "machines",
        )
    todo = "check its path and permissions" if url.startswith("sqlite") else "start its server"
    return NliError(
        f"the storage {where} cannot be reached: {text}",
        f"{todo}, or give another URL: --storage URL",
        "machines",
    )


def _being_created(error: Exception) -> bool:
    """Whether another process has just created, or is creating, the same tables."""
    text = f"{error} {error.__cause__}".lower()
    return isinstance(error, AssertionError) or any(
        words in text
        for words in ("already exists", "duplicate key", "unique constraint", "locked")
    )


@contextmanager
def locked(storage: Any, name: str) -> Iterator[None]:
    """While it lasts a study of that name exists: no storage has two of one name."""
    from optuna.exceptions import DuplicatedStudyError
    from optuna.study import StudyDirection

    own, other, since = uuid.uuid4().hex, "", 0.0
    while True:
        try:
            lock = storage.create_new_study([StudyDirection.MINIMIZE], name)
            break
        except DuplicatedStudyError:
            with suppress(KeyError):  # it was given up meanwhile
                held = storage.get_study_id_from_name(name)
                holder = f"{held} {storage.get_study_user_attrs(held).get('holder')}"
                if holder != other:
                    other, since = holder, time.monotonic()
                elif time.monotonic() - since > _LOCK_SECONDS:
                    storage.delete_study(held)
                    continue
        time.sleep(random.uniform(0.02, 0.2))
    try:
        storage.set_study_user_attr(lock, "holder", own)
        yield
    finally:
        with suppress(KeyError):
            storage.delete_study(lock)
