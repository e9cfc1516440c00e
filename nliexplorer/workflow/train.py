"""From configurations to finished runs: train, evaluate, attribute, store. Each stage resumes.

Under a launcher every process goes through the same stages and the main one alone writes.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from nliexplorer import processes
from nliexplorer.config import TrainConfig
from nliexplorer.errors import NliError
from nliexplorer.modeling.devices import training_device
from nliexplorer.modeling.load import Classifier, load_classifier, refuse_unpaddable
from nliexplorer.privacy import without_secrets
from nliexplorer.progress import say
from nliexplorer.records import Run, RunStatus
from nliexplorer.run_summary import RunSummary
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.store.writing.runs import portable
from nliexplorer.training.penalties import configured_penalty
from nliexplorer.training.reporting import check_report_to
from nliexplorer.training.run import forget_steps
from nliexplorer.training.run import train as train_model
from nliexplorer.training.run_sink import NullSink, RunSink
from nliexplorer.workflow.attribute import attribute_run
from nliexplorer.workflow.evaluate import evaluate_split, name_evaluation
from nliexplorer.workflow.model_card import write_model_card
from nliexplorer.workflow.provenance import command_line, provenance, repeating_command
from nliexplorer.workflow.run_lock import hold_run_lock
from nliexplorer.workflow.splits import (
    check_data,
    described,
    first_augmented,
    refuse_changed,
    split_rows,
    training_labels,
    training_rows,
    with_absolute_paths,
)
from nliexplorer.workflow.store_sink import StoreSink, main_writer
from nliexplorer.workflow.training_overlap import report_own_overlap
from nliexplorer.workflow.weights import weights_digest


@dataclass
class _Job:
    """One run on its way through the stages."""

    run_id: str
    name: str
    config: TrainConfig
    folder: Path
    trained: bool = False
    evaluated: dict[str, str] = field(default_factory=dict)  # split -> its name in the store
    classifier: Classifier | None = None
    ended: bool = False  # its final status is written


def train_all(
    configs: Sequence[TrainConfig],
    db: Path,
    *,
    stem: str = "",
    notes: RunSummary | None = None,
) -> list[str]:
    """Train, evaluate and attribute each configuration; returns the ids of the finished runs.

    Runs of one call explain the union of their errors, so that any two of them can be laid side
    by side. An interrupted run keeps what it has and says how to go on. `notes` go into each run's
    summary.
    """
    processes.start(cpu=all(config.device == "cpu" for config in configs))
    configs = [with_absolute_paths(config) for config in configs]
    check_data(configs)
    for config in configs:
        configured_penalty(config)
        check_report_to(config.report_to)
        _refuse_unwritable(Path(config.output_dir))
    ready: Classifier | None = _untrained(configs[0])  # before the database is touched
    with main_writer(db) as writer, ExitStack() as locks:
        names = [_name(config, stem, configs) for config in configs]
        if writer and stem:
            writer.refuse_taken_names(names)
        jobs: list[_Job] = []
        with _ending_evaluated_runs(writer, jobs, db):
            with _reporting_unfinished_runs(configs, names, jobs, db):
                for config, name in zip(configs, names, strict=True):
                    job = _start(writer, config, name, notes or {})
                    jobs.append(job)
                    if writer:
                        locks.enter_context(hold_run_lock(job.folder, job.name))
                    job.classifier, ready = ready, None
                    _through(writer, job, db)
            _explain(writer, jobs, db)
    return [job.run_id for job in jobs]


@contextmanager
def _ending_evaluated_runs(
    writer: StoreWriter | None, jobs: Sequence[_Job], db: Path
) -> Iterator[None]:
    """Runs that were trained and evaluated are done, even if another one is stopped."""
    try:
        yield
    except BaseException:
        for job in jobs if writer else ():
            if not job.ended and set(job.config.eval_splits) <= set(job.evaluated):
                with suppress(NliError):  # the first error is the one to show
                    _end(writer, job, "done")
                if job.config.attribute:
                    say(
                        f"{job.name} is trained and evaluated, without attributions; add them with:"
                        f" nliexplorer attribute {job.run_id} --db {shlex.quote(str(db))}"
                    )
        raise


def _end(writer: StoreWriter | None, job: _Job, status: RunStatus) -> None:
    job.ended = True
    if writer:
        writer.set_status(job.run_id, status)


@contextmanager
def _reporting_unfinished_runs(
    configs: Sequence[TrainConfig], names: Sequence[str], jobs: Sequence[_Job], db: Path
) -> Iterator[None]:
    """Going on with the run that was stopped does not begin those that were to follow it."""
    try:
        yield
    except BaseException:
        left = list(zip(configs, names, strict=True))[len(jobs) :] if jobs else []
        for config, name in left:
            command = f"{repeating_command(config)} --db {shlex.quote(str(db))}"
            say(f"{name} was not started; train it with: {command}")
        raise


def resume_run(db: Path, reference: str) -> str:
    """Go on with an interrupted, failed or half-explained run where it stopped."""
    with StoreReader(db) as reader:
        run = reader.runs.get(reference)
    if not run.config:
        raise NliError(f"run {run.name} was not trained here", "only trained runs can be resumed")
    config = TrainConfig().updated(dict(run.config), f"run {run.name}")
    processes.start(cpu=config.device == "cpu")
    trained = run.train_seconds is not None
    checkpoint = run.checkpoint or run.summary.get("folder") or _folder(config, run.id)
    folder = db.absolute().parent / checkpoint
    job = _Job(run.id, run.name, config, folder, trained, _evaluated(run, config))
    with main_writer(db) as writer, hold_run_lock(folder, run.name) if writer else nullcontext():
        left = [split for split in config.eval_splits if split not in job.evaluated]
        refuse_changed(
            config, run.summary.get("data", {}), [*([] if trained else ["train"]), *left]
        )
        if writer:
            writer.set_status(run.id, "running")
        _through(writer, job, db, resume=True)
        _explain(writer, [job], db)
    return run.id


def _through(writer: StoreWriter | None, job: _Job, db: Path, *, resume: bool = False) -> None:
    with _guarded(writer, job, db):
        if not job.trained:
            _train(writer, job, resume=resume)
        _evaluate(writer, job)


@contextmanager
def _guarded(writer: StoreWriter | None, job: _Job, db: Path) -> Iterator[None]:
    """Whatever ends a stage early is written down, and the way to go on is said."""
    try:
        yield
    except KeyboardInterrupt:
        _end(writer, job, "interrupted")
        say(f"interrupted; resume with: nliexplorer train --resume {job.run_id} --db {db}")
        raise
    except Exception as error:
        job.ended = True
        if writer:
            text = error.message if isinstance(error, NliError) else repr(error)
            facts: RunSummary = {"error": without_secrets(text)}
            with suppress(NliError):  # a full disk takes this neither; the first error is the one
                writer.finish_run(job.run_id, status="failed", summary=facts)
        say(
            f"progress of {job.name} is saved; resume with: "
            f"nliexplorer train --resume {job.run_id} --db {db}"
        )
        raise


def _start(writer: StoreWriter | None, config: TrainConfig, name: str, notes: RunSummary) -> _Job:
    if writer is None:
        run_id, name = processes.broadcast(("", ""))
        return _Job(run_id, name, config, _folder(config, run_id))
    run = writer.create_run(
        name=name,
        objective=config.objective,
        data=config.data,
        model=config.model,
        seed=config.seed,
        config=config.as_dict(),
        command=repeating_command(config),
        summary={**provenance(), "typed": command_line(), "data": described(config), **notes},
    )
    processes.broadcast((run.id, run.name))
    folder = _folder(config, run.id)
    writer.remember(run.id, folder=portable(str(folder), writer.path))
    return _Job(run.id, run.name, config, folder)


def _train(writer: StoreWriter | None, job: _Job, *, resume: bool) -> None:
    config = job.config
    say(f"{job.name}: training {config.model} on {config.data}, seed {config.seed}")
    classifier = job.classifier or _untrained(config)
    sink: RunSink = StoreSink(writer, job.run_id, training_rows(config)) if writer else NullSink()
    try:
        result = train_model(
            classifier,
            training_rows(config),
            split_rows(config.data, config.eval_splits[0], config.eval_samples),
            config,
            sink,
            checkpoint_dir=job.folder,
            resume=resume,
            title=job.name,
            revised_from=first_augmented(config),
        )
    finally:
        if isinstance(sink, StoreSink):
            sink.flush()
    job.classifier, job.folder, job.trained = classifier, result.checkpoint, True
    if writer:
        writer.finish_run(
            job.run_id,
            status="running",
            train_seconds=result.seconds,
            checkpoint=str(result.checkpoint),
            summary={
                "training": result.summary,
                "stopped_early": result.stopped_early,
                "weights_sha256": weights_digest(result.checkpoint),
                "log": sink.log if isinstance(sink, StoreSink) else [],
            },
        )
        forget_steps(job.folder)


def _untrained(config: TrainConfig) -> Classifier:
    classifier = load_classifier(
        config.model,
        seed=config.seed,
        device=str(training_device(config.device)),
        fresh_head=True,
        outputs=training_labels(config),
        max_length=config.max_length,
    )
    refuse_unpaddable(classifier, config.batch_size)
    return classifier


def _evaluate(writer: StoreWriter | None, job: _Job) -> None:
    for split in job.config.eval_splits:
        if split in job.evaluated:
            continue
        rows = split_rows(job.config.data, split, job.config.eval_samples)
        name = name_evaluation(writer, job.run_id, split, list(rows))
        if writer:
            report_own_overlap(writer, job.run_id, job.config, split, name)
        metrics = evaluate_split(writer, job.run_id, _classifier(job), rows, name, label=job.name)
        job.evaluated[split] = name
        say(f"{job.name}: {name} accuracy {metrics.accuracy:.4f} on {metrics.n} pairs")


def _evaluated(run: Run, config: TrainConfig) -> dict[str, str]:
    """The run's own splits that were evaluated on all of the configured pairs."""
    described: Mapping[str, Any] = run.summary.get("data", {})
    expected = {split: described.get(split, {}).get("n") for split in config.eval_splits}
    return {
        split: split
        for split, n in expected.items()
        if split in run.metrics and n in (None, run.metrics[split].n)
    }


def _explain(writer: StoreWriter | None, jobs: Sequence[_Job], db: Path) -> None:
    """Attribute every job's errors by every job's model, then call the runs done."""
    wrong = [(job.run_id, Filter.of({"is": "wrong"})) for job in jobs]
    for job in jobs:
        with _guarded(writer, job, db):
            for split in job.config.eval_splits if job.config.attribute else ():
                attribute_run(
                    writer,
                    db,
                    job.run_id,
                    _classifier(job),
                    job.evaluated[split],
                    wrong,
                    label=job.name,
                    steps=job.config.attribution_steps,
                )
            if writer:
                with StoreReader(db) as reader:
                    write_model_card(reader, reader.runs.get(job.run_id), job.config, job.folder)
            _end(writer, job, "done")
        job.classifier = None


def _classifier(job: _Job) -> Classifier:
    if job.classifier is None:
        job.classifier = load_classifier(
            str(job.folder), device=job.config.device, max_length=job.config.max_length
        )
    return job.classifier


def _folder(config: TrainConfig, run_id: str) -> Path:
    return Path(config.output_dir).resolve() / run_id


def _refuse_unwritable(folder: Path) -> None:
    """Before hours of work: the checkpoints' folder can be made and written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise NliError(
            f"cannot write into {folder}: {error.strerror}", "name another folder: --output-dir"
        ) from None


def _name(config: TrainConfig, stem: str, configs: Sequence[TrainConfig]) -> str:
    """`stem` and what tells the runs apart; without a stem the store finds a name."""
    if len(configs) == 1 or not stem:
        return stem
    parts = [stem]
    if len({each.objective for each in configs}) > 1:
        parts.append(config.objective)
    if len({each.seed for each in configs}) > 1:
        parts.append(f"s{config.seed}")
    return "-".join(parts)
