"""`nliexplorer sweep`: Optuna over the penalty's settings, every trial over several seeds.

A trial's value is the mean over seeds; its runs go into the database like any others. The study
lives in Optuna's storage: the same command goes on with it, from here or from another machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nliexplorer.analysis.intervals import mean_t_interval
from nliexplorer.analysis.seeds import SeedDifference, compare_groups
from nliexplorer.config import TrainConfig
from nliexplorer.errors import NliError
from nliexplorer.progress import say
from nliexplorer.records import Run
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.optuna_storage import import_optuna, open_storage, reaching
from nliexplorer.workflow.search_space import SweepPlan, differing, same_computation
from nliexplorer.workflow.splits import check_data, with_absolute_paths
from nliexplorer.workflow.train import resume_run, train_all

_SETTINGS, _BASELINE, _INTERRUPTED = "settings", "baseline", "interrupted"


@dataclass(frozen=True, slots=True)
class SweepTrial:
    """One point of the space over its seeds; `half` is that of a 95 % t-interval over seeds."""

    number: int
    params: dict[str, Any]
    runs: tuple[str, ...]
    values: tuple[float, ...]
    mean: float
    half: float | None
    difference: SeedDifference | None  # from the baseline of the same seeds

    def as_dict(self) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "number": self.number,
            "params": self.params,
            "runs": list(self.runs),
            "values": list(self.values),
            "mean": self.mean,
            "half": self.half,
        }
        if self.difference is not None:
            names = ("delta", "ci_low", "ci_high", "p")
            plain |= {name: getattr(self.difference, name) for name in names}
        return plain


@dataclass(frozen=True, slots=True)
class SweepSummary:
    """Finished trials, best mean first."""

    study: str
    storage: str
    metric: str
    split: str
    seeds: tuple[int, ...]
    trials: tuple[SweepTrial, ...]
    failed: int
    baseline: SweepTrial | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "study": self.study,
            "metric": self.metric,
            "split": self.split,
            "seeds": list(self.seeds),
            "baseline": self.baseline.as_dict() if self.baseline else None,
            "trials": [trial.as_dict() for trial in self.trials],
            "failed": self.failed,
            "best": self.trials[0].number if self.trials else None,
            "runs": [run for trial in self.trials for run in trial.runs],
        }


def run_sweep(
    plan: SweepPlan, db: Path, *, trials: int, storage: str | None = None
) -> SweepSummary:
    """Go on until the study has `trials` trials. An interrupted one is tried again first, and runs
    that are in the database already are not trained again.
    """
    check_data(plan.baselines())
    study, where = open_study(plan, db, storage)
    if plan.with_baseline and _BASELINE not in study.user_attrs:
        say(f"{plan.name}: the baseline over seeds {', '.join(map(str, plan.seeds))}")
        runs = _runs(plan.baselines(), db, f"{plan.name}-baseline")
        study.set_user_attr(_BASELINE, {"runs": runs, "values": _values(plan, db, runs)})
    while _counted(study) < trials:
        _try(study, plan, db, trials)
    return summarise(study, plan, where)


def open_study(plan: SweepPlan, db: Path, storage: str | None) -> tuple[Any, str]:
    """The study and its storage's URL. Raises NliError where Optuna is missing, the storage can't
    be reached, or the study was started with other settings.
    """
    optuna = import_optuna()
    where = storage or f"sqlite:///{db.resolve().with_suffix('.sweep.db')}"
    opened = open_storage(where)
    with reaching(where):
        study = optuna.create_study(
            storage=opened, study_name=plan.name, direction=plan.direction, load_if_exists=True
        )
    # Alone on a storage of its own a sweep repeats; machines that share one must not draw alike.
    seed = len(study.trials) if storage is None else None
    study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    begun = study.user_attrs.get(_SETTINGS)
    settings = plan.settings()
    if begun is None:
        study.set_user_attr(_SETTINGS, settings)
    elif begun != settings:
        changed = ", ".join(differing(begun, settings))
        raise NliError(
            f"study {plan.name} was started with other settings: {changed}",
            "use the same ones, or start another study: --study NAME",
        )
    return study, where


def _counted(study: Any) -> int:
    """Trials that are over; those that were interrupted are tried again."""
    return sum(
        trial.state.is_finished() and _INTERRUPTED not in trial.user_attrs
        for trial in study.get_trials(deepcopy=False)
    )


def _try(study: Any, plan: SweepPlan, db: Path, trials: int) -> None:
    from optuna.trial import TrialState

    trial = study.ask()
    try:
        params = {axis.key: axis.draw(trial) for axis in plan.axes}
        shown = ", ".join(f"{key} {value}" for key, value in params.items())
        say(f"{plan.name}: trial {trial.number} ({_counted(study) + 1} of {trials}): {shown}")
        runs = _runs(plan.configs(params), db, f"{plan.name}-t{trial.number}")
        values = _values(plan, db, runs)
    except NliError as error:
        say(f"{plan.name}: trial {trial.number} failed: {error.message}")
        study.tell(trial, state=TrialState.FAIL)
        return
    except BaseException:
        trial.set_user_attr(_INTERRUPTED, True)
        study.tell(trial, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
        raise
    for name, attribute in (("params", params), ("runs", runs), ("values", values)):
        trial.set_user_attr(name, attribute)
    mean, half = mean_t_interval(values)
    study.tell(trial, mean)
    say(f"{plan.name}: trial {trial.number}: {plan.metric} {mean:.4f}{_half(half)}")


def _half(half: float | None) -> str:
    return "" if half is None else f" ± {half:.4f}"


def _runs(configs: Sequence[TrainConfig], db: Path, stem: str) -> list[str]:
    """A finished run for each configuration: stored, resumed, or trained now."""
    return [_run(config, db, f"{stem}-s{config.seed}") for config in configs]


def _run(config: TrainConfig, db: Path, name: str) -> str:
    absolute = with_absolute_paths(config)
    stored: list[Run] = []
    if db.exists():
        with StoreReader(db) as reader:
            stored = reader.runs.all()
    same = [run for run in stored if same_computation(dict(run.config), absolute)]
    for status in ("done", "interrupted"):
        earlier = next((run for run in same if run.status == status), None)
        if earlier is not None:
            return earlier.id if status == "done" else resume_run(db, earlier.id)
    taken = name in {run.name for run in stored}
    (made,) = train_all([config], db, stem="" if taken else name)
    return made


def _values(plan: SweepPlan, db: Path, runs: Sequence[str]) -> list[float]:
    with StoreReader(db) as reader:
        values = [getattr(reader.runs.get(run).metrics[plan.split], plan.metric) for run in runs]
    if None in values:
        raise NliError(
            f"{plan.metric} is not defined on {plan.split}", "use another --metric or split"
        )
    return values


def summarise(study: Any, plan: SweepPlan, where: str) -> SweepSummary:
    """Means and intervals over seeds; differences from the baseline are paired by seed."""
    from optuna.trial import TrialState

    over = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    reference = study.user_attrs.get(_BASELINE)
    trials = [_summary(plan, trial.number, trial.user_attrs, reference) for trial in over]
    trials.sort(key=lambda trial: trial.mean, reverse=plan.direction == "maximize")
    if not trials:
        raise NliError("no trial of the sweep finished", "the log above says why each one failed")
    base = _summary(plan, -1, {"params": {}, **reference}, None) if reference else None
    failed = _counted(study) - len(trials)
    return SweepSummary(
        plan.name, where, plan.metric, plan.split, plan.seeds, tuple(trials), failed, base
    )


def _summary(
    plan: SweepPlan, number: int, attributes: dict[str, Any], reference: dict[str, Any] | None
) -> SweepTrial:
    values = attributes["values"]
    mean, half = mean_t_interval(values)
    difference = None
    if reference:
        groups = {plan.metric: (reference["values"], values)}
        (difference,) = compare_groups(groups, (plan.seeds, plan.seeds))
    return SweepTrial(
        number,
        dict(attributes["params"]),
        tuple(attributes["runs"]),
        tuple(values),
        mean,
        half,
        difference,
    )
