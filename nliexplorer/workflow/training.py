"""From configurations to finished runs: train, evaluate, attribute, store. Each stage resumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from nliexplorer.config import TrainConfig
from nliexplorer.data.sources import LoadedSplit, load_split
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier, load_classifier
from nliexplorer.processes import is_main
from nliexplorer.progress import say
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.training.run import train as train_model
from nliexplorer.training.sink import NullSink, RunSink
from nliexplorer.workflow.attributing import attribute_run
from nliexplorer.workflow.evaluating import evaluate_split
from nliexplorer.workflow.provenance import command_line, provenance
from nliexplorer.workflow.sink import StoreSink


@dataclass
class _Job:
    """One run on its way through the stages."""

    run_id: str
    name: str
    config: TrainConfig
    folder: Path
    classifier: Classifier | None = None
    evaluated: list[str] = field(default_factory=list)


def train_all(configs: Sequence[TrainConfig], db: Path, *, stem: str = "") -> list[str]:
    """Train, evaluate and attribute each configuration; returns the ids of the finished runs.

    Runs of one call explain the union of their dev errors, so that any two of them can be laid
    side by side. Interrupted runs keep what they have and say how to go on.
    """
    _check_data(configs)
    with StoreWriter(db) as writer:
        names = [_name(config, stem, configs) for config in configs]
        if stem:
            writer.refuse_taken_names(names)
        jobs = []
        for config, name in zip(configs, names, strict=True):
            job = _start(writer, config, name)
            jobs.append(job)
            with _guarded(writer, job, db):
                _train(writer, job, resume=False)
                _evaluate(writer, job)
        _explain(writer, jobs, db)
        return [job.run_id for job in jobs]


def resume_run(db: Path, reference: str) -> str:
    """Go on with an interrupted, failed or half-explained run where it stopped."""
    with StoreReader(db) as reader:
        run = reader.run(reference)
        done = [split for split, metrics in run.metrics.items() if metrics.n]
    if not run.config:
        raise NliError(f"run {run.name} was not trained here", "only trained runs can be resumed")
    config = TrainConfig().updated(dict(run.config), f"run {run.name}")
    with StoreWriter(db) as writer:
        job = _Job(run.id, run.name, config, Path(run.checkpoint or _folder(config, run.id)))
        job.evaluated = done
        with _guarded(writer, job, db):
            if run.train_seconds is None:
                writer.set_status(run.id, "running")
                _train(writer, job, resume=True)
            _evaluate(writer, job)
        _explain(writer, [job], db)
    return run.id


@contextmanager
def _guarded(writer: StoreWriter, job: _Job, db: Path) -> Iterator[None]:
    """Whatever ends a stage early is written down, and the way to go on is said."""
    try:
        yield
    except KeyboardInterrupt:
        writer.set_status(job.run_id, "interrupted")
        say(f"interrupted; go on with: nliexplorer train --resume {job.run_id} --db {db}")
        raise
    except NliError as error:
        writer.finish_run(job.run_id, status="failed", summary={"error": error.message})
        raise
    except Exception as error:
        writer.finish_run(job.run_id, status="failed", summary={"error": repr(error)})
        raise


def _start(writer: StoreWriter, config: TrainConfig, name: str) -> _Job:
    train = _rows(config.data, "train", config.train_samples)
    splits = {split: _rows(config.data, split, config.eval_samples) for split in config.eval_splits}
    run = writer.create_run(
        name=name,
        objective=config.objective,
        data=config.data,
        model=config.model,
        seed=config.seed,
        config=config.as_dict(),
        command=command_line(),
        summary={**provenance(), "data": _described({"train": train, **splits})},
    )
    return _Job(run.id, run.name, config, _folder(config, run.id))


def _train(writer: StoreWriter, job: _Job, *, resume: bool) -> None:
    config = job.config
    say(f"{job.name}: training {config.model} on {config.data}, seed {config.seed}")
    classifier = load_classifier(
        config.model,
        seed=config.seed,
        device=config.device,
        fresh_head=True,
        max_length=config.max_length,
    )
    sink: RunSink = StoreSink(writer, job.run_id) if is_main() else NullSink()
    try:
        result = train_model(
            classifier,
            training_rows(config),
            _rows(config.data, config.eval_splits[0], config.eval_samples),
            config,
            sink,
            checkpoint_dir=job.folder,
            resume=resume,
            title=job.name,
        )
    finally:
        if isinstance(sink, StoreSink):
            sink.flush()
    job.classifier = classifier
    job.folder = result.checkpoint
    writer.finish_run(
        job.run_id,
        status="running",
        train_seconds=result.seconds,
        checkpoint=str(result.checkpoint),
        summary=result.summary,
    )
    for remark in result.summary.get("remarks", ()):
        say(f"{job.name}: {remark}")


def _evaluate(writer: StoreWriter, job: _Job) -> None:
    classifier = _classifier(job)
    for split in job.config.eval_splits:
        if split in job.evaluated:
            continue
        rows = _rows(job.config.data, split, job.config.eval_samples)
        metrics = evaluate_split(writer, job.run_id, classifier, rows, split, label=job.name)
        say(f"{job.name}: {split} accuracy {metrics.accuracy:.4f} on {metrics.n} pairs")


def _explain(writer: StoreWriter, jobs: Sequence[_Job], db: Path) -> None:
    """Attribute every job's errors by every job's model, then call the runs done."""
    for job in jobs:
        with _guarded(writer, job, db):
            if job.config.attribute:
                for split in job.config.eval_splits:
                    wrong = [(other.run_id, Filter(wrong=True)) for other in jobs]
                    attribute_run(
                        writer,
                        db,
                        job.run_id,
                        _classifier(job),
                        split,
                        wrong,
                        label=job.name,
                        steps=job.config.attribution_steps,
                    )
            writer.set_status(job.run_id, "done")
        job.classifier = None


def _classifier(job: _Job) -> Classifier:
    if job.classifier is None:
        job.classifier = load_classifier(
            str(job.folder), device=job.config.device, max_length=job.config.max_length
        )
    return job.classifier


def training_rows(config: TrainConfig) -> LoadedSplit:
    """The training pairs, those of `config.augment` behind them."""
    rows = _rows(config.data, "train", config.train_samples)
    return rows.joined(_rows(config.augment, "train", 0)) if config.augment else rows


@lru_cache(maxsize=8)
def _rows(data: str, split: str, samples: int) -> LoadedSplit:
    """A split, read once a process; the subset is the same for every seed."""
    rows = load_split(data, split, samples=samples)
    if len(rows) < 2:
        raise NliError(f"{data}, split {split}: {len(rows)} usable pairs", "two are the least")
    return rows


def _check_data(configs: Sequence[TrainConfig]) -> None:
    """Every split is there before the first run is created."""
    for config in configs:
        training_rows(config)
        for split in config.eval_splits:
            _rows(config.data, split, config.eval_samples)


def _described(splits: Mapping[str, LoadedSplit]) -> dict[str, Any]:
    return {
        name: {"n": len(rows), "fingerprint": rows.fingerprint, "dropped": dict(rows.dropped)}
        for name, rows in splits.items()
    }


def _folder(config: TrainConfig, run_id: str) -> Path:
    return Path(config.output_dir).resolve() / run_id


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


def with_absolute_paths(config: TrainConfig) -> TrainConfig:
    """Paths that still name the same thing when the run is resumed from another folder."""
    changed = {
        key: str(Path(value).resolve())
        for key in ("data", "model", "augment")
        if (value := getattr(config, key)) and Path(value).exists()
    }
    return replace(config, **changed)
