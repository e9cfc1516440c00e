"""One training run from a loaded classifier to its best checkpoint."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from numpy.typing import NDArray
from safetensors.torch import load_model

from nliexplorer import processes
from nliexplorer.config import TrainConfig
from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling.devices import training_device
from nliexplorer.modeling.load import (
    Classifier,
    make_contiguous,
    quiet_transformers,
    save_classifier,
)
from nliexplorer.records import Example, Metrics, StepRecord
from nliexplorer.training.callbacks import (
    ENGINE_STATE,
    CheckpointCallback,
    Reporter,
    StepCallback,
)
from nliexplorer.training.dataset import LabelledPairs, TrainSet, tokenise
from nliexplorer.training.dynamics import DynamicsBatch
from nliexplorer.training.evaluation import dev_metrics
from nliexplorer.training.interrupt import Interrupt
from nliexplorer.training.nli_trainer import NliTrainer
from nliexplorer.training.penalty_schedule import PenaltySchedule
from nliexplorer.training.plan import Plan
from nliexplorer.training.preparation import prepare
from nliexplorer.training.reporting import reporting_callback
from nliexplorer.training.run_sink import NullSink, RunSink
from nliexplorer.training.trainer import PenaltyCallback

#: Folder of the model that a debiasing method trains before the run's own.
_FIRST = "first-model"
#: How its configuration differs: a plain training on the same pairs.
_FIRST_MODEL: dict[str, Any] = {
    "objective": "baseline",
    "debias": "none",
    "soft_labels": False,
    "contrast": False,
    "gradient_supervision": 0.0,
    "record_dynamics": False,
    "report_to": "none",
}


@dataclass(frozen=True, slots=True)
class TrainResult:
    """How a run ended. `checkpoint` holds the best model, as `load_classifier` reads it."""

    steps: int
    seconds: float
    best_metric: float | None  # dev accuracy of the checkpoint; None without a dev set
    checkpoint: Path
    stopped_early: bool
    summary: dict[str, Any]


def train(
    classifier: Classifier,
    train_rows: Iterable[Example],
    dev_rows: Iterable[Example] | None,
    config: TrainConfig,
    sink: RunSink,
    *,
    checkpoint_dir: Path,
    resume: bool = False,
    title: str = "",
    revised_from: int = 0,
) -> TrainResult:
    """Train `classifier` in place; afterwards it holds its best dev accuracy's weights.

    Ctrl-C finishes the update, saves and raises KeyboardInterrupt; `resume=True` then goes on from
    the newest whole checkpoint under `checkpoint_dir`, to the same result as without a pause; the
    caller calls `forget_steps` once the result is on record. Every
    process of a distributed run calls this; only the main one calls `sink`. The same seed gives the
    same data order for every objective. Training rows before `revised_from` are ordinary pairs;
    counterfactual revisions are looked for among the others. Raises NliError on unusable data or a
    loss that is NaN.
    """
    quiet_transformers()
    if not resume and processes.is_main():
        forget_steps(checkpoint_dir)
    processes.barrier()

    def first_model(rows: Sequence[Example], changes: dict[str, Any]) -> NDArray[np.float64]:
        plain = replace(config, **_FIRST_MODEL, **changes)
        return _first_logits(classifier, rows, plain, checkpoint_dir / _FIRST, resume, title)

    begun = time.process_time()
    prepared = prepare(classifier, train_rows, config, revised_from, first_model)
    pairs, prepared_in = prepared.pairs, time.process_time() - begun
    dev = tokenise(classifier, dev_rows) if dev_rows is not None else None
    if dev is not None and len(dev) == 0:
        raise NliError("there are no dev pairs", "check --data and --eval-samples")
    args = training_arguments(classifier, config, checkpoint_dir, dev is not None)
    plan = Plan(config, len(pairs), args.world_size, classifier.fresh_head)
    _schedule(args, plan)
    resumed = last_checkpoint(checkpoint_dir / "steps") if resume else None
    run = _Run(classifier, pairs, dev, plan, args, sink, checkpoint_dir, resumed, title)
    for text in prepared.notes:
        run.note(text)
    run.summary |= prepared.summary
    run.prepared_in = prepared_in
    return run.run()


def _first_logits(
    classifier: Classifier,
    rows: Sequence[Example],
    config: TrainConfig,
    folder: Path,
    resume: bool,
    title: str,
) -> NDArray[np.float64]:
    """Logits [n, C] on the training rows of a model that starts as `classifier` does, trained by
    `config`; `classifier` is as before afterwards. Kept in `folder` for a resume."""
    kept = folder / "logits.npy"
    if resume and kept.is_file():
        known: NDArray[np.float64] = np.load(kept)
        return known
    weights = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    title = f"{title or config.objective}, first model"
    train(
        classifier,
        rows,
        None,
        config,
        NullSink(),
        checkpoint_dir=folder,
        resume=resume,
        title=title,
    )
    texts = [(row.premise, row.hypothesis) for row in rows]
    logits = predict(classifier, texts, precision=config.precision)
    classifier.model.load_state_dict(weights)
    if processes.is_main():
        np.save(kept, logits)
    processes.barrier()
    return logits


class _Run:
    def __init__(
        self,
        classifier: Classifier,
        pairs: LabelledPairs,
        dev: LabelledPairs | None,
        plan: Plan,
        args: transformers.TrainingArguments,
        sink: RunSink,
        folder: Path,
        resumed: Path | None,
        title: str,
    ) -> None:
        make_contiguous(classifier.model)
        self.classifier, self.pairs, self.dev, self.plan = classifier, pairs, dev, plan
        self.sink, self.folder, self.resumed = sink, folder, resumed
        self.main = processes.is_main()
        self.summary: dict[str, Any] = {}
        self.cpu = 0.0
        self.prepared_in = 0.0  # CPU seconds, a first model's training among them
        self.interrupt = Interrupt()
        train_set = TrainSet(pairs, plan.config.pad_to)
        self.trainer = NliTrainer(classifier, args, plan, train_set, self.evaluate)
        self.trainer.on_note = self.note
        self.checkpoints = CheckpointCallback(plan, self.trainer, dev is not None)
        self.checkpoints.on_dynamics = self.on_dynamics
        self.steps = StepCallback(plan, self.trainer, self.interrupt, self.on_step)
        for printer in (transformers.PrinterCallback, transformers.ProgressCallback):
            self.trainer.remove_callback(printer)
        name = title or plan.config.objective
        tracker = reporting_callback(plan.config.report_to, folder, name) if self.main else None
        for callback in filter(None, (tracker, self.checkpoints, self.steps)):
            self.trainer.add_callback(callback)
        if resumed and self.trainer.schedule:
            restore_penalty(self.trainer.schedule, resumed)
        done = int(resumed.name.split("-")[-1]) if resumed else 0
        self.reporter = Reporter(name, plan.updates, done) if self.main else None

    def run(self) -> TrainResult:
        start, self.cpu = time.perf_counter(), time.process_time()
        interrupt = self.interrupt
        if self.resumed:
            self.note(f"resumed from update {self.resumed.name.split('-')[-1]}")
        if self.main:
            self.sink.on_start(self.plan.updates)
        cut = int(self.pairs.encoded.truncated.sum())
        if cut:
            self.note(f"{cut} of {len(self.pairs)} training pairs cut to the maximum length")
        try:
            if not (self.resumed and self._was_over(self.resumed)):
                with interrupt.listening():
                    self.trainer.train(
                        resume_from_checkpoint=str(self.resumed) if self.resumed else None
                    )
        finally:
            if self.reporter:
                self.reporter.close()
        if interrupt.agreed and self.trainer.state.global_step < self.plan.updates:
            self.note(f"interrupted after update {self.trainer.state.global_step}")
            raise KeyboardInterrupt
        return self._finish(time.perf_counter() - start, cut)

    def _was_over(self, checkpoint: Path) -> bool:
        """Whether training had ended at `checkpoint`; then its best weights are put in place.

        Resuming there would add an update: Trainer looks at the end only after one.
        """
        state = transformers.TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        self.checkpoints.stopped_early = self.checkpoints.out_of_patience(state)
        if state.global_step < self.plan.updates and not self.checkpoints.stopped_early:
            return False
        self.trainer.state = state
        best = best_step(state.log_history) or state.global_step
        weights = checkpoint.with_name(f"checkpoint-{best}") / "model.safetensors"
        load_model(self.classifier.model, weights, device=str(self.classifier.device))
        return True

    def _finish(self, seconds: float, cut: int) -> TrainResult:
        state = self.trainer.state
        summary: dict[str, Any] = {
            "updates": state.global_step,
            "train_pairs": len(self.pairs),
            "truncated_pairs": cut,
            "best_step": best_step(state.log_history),
            "processes": processes.rank_and_world()[1],
            # of this process, all its threads; unknown where an earlier process did a part
            "cpu_seconds": None
            if self.resumed
            else time.process_time() - self.cpu + self.prepared_in,
            **self.summary,
            **self.trainer.supervision_summary(),
        }
        if self.trainer.schedule is not None:
            summary |= self.trainer.schedule.summary()
            if summary["saturated"]:
                self.note("the penalty was saturated over most of training: lower alpha")
        if self.main:
            save_classifier(self.classifier, self.folder)
        processes.barrier()
        self.classifier.model.eval()
        return TrainResult(
            state.global_step,
            seconds,
            state.best_metric if self.dev is not None else None,
            self.folder,
            self.checkpoints.stopped_early,
            summary,
        )

    def on_step(self, record: StepRecord) -> None:
        if self.main:
            self.sink.on_step(record)
            if self.reporter:
                self.reporter.step(record)

    def on_dynamics(self, batch: DynamicsBatch) -> None:
        if self.main:
            self.sink.on_dynamics(batch)

    def evaluate(self) -> dict[str, float]:
        assert self.dev is not None
        metrics: Metrics = dev_metrics(
            self.classifier, self.dev.encoded, self.dev.labels, self.plan.config.precision
        )
        state = self.trainer.state
        if self.main:
            self.sink.on_evaluation(state.global_step, float(state.epoch or 0.0), metrics)
            if self.reporter:
                self.reporter.evaluation(state.global_step, metrics)
        return {"eval_accuracy": metrics.accuracy or 0.0, "eval_loss": metrics.nll or 0.0}

    def note(self, text: str) -> None:
        """Into the run's log and to the user."""
        if self.main:
            self.sink.on_log(text)
            if self.reporter:
                self.reporter.say(text)


def training_arguments(
    classifier: Classifier, config: TrainConfig, folder: Path, evaluates: bool
) -> transformers.TrainingArguments:
    """`config` as TrainingArguments."""
    when = "steps" if evaluates else "no"
    args = transformers.TrainingArguments(
        output_dir=str(folder / "steps"),
        run_name=folder.name,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulation,
        learning_rate=config.lr,
        weight_decay=config.weight_decay,
        adam_beta2=config.adam_beta2,
        max_grad_norm=config.max_grad_norm,
        optim="adamw_torch_fused" if classifier.device.type != "mps" else "adamw_torch",
        lr_scheduler_type="linear",
        eval_strategy=when,
        save_strategy="steps",
        save_total_limit=2,  # the best one and the newest
        load_best_model_at_end=evaluates,
        metric_for_best_model="accuracy" if evaluates else None,
        greater_is_better=True if evaluates else None,
        per_device_eval_batch_size=config.batch_size,
        logging_strategy="steps",
        logging_steps=1,  # StepCallback makes records of the log
        logging_nan_inf_filter=False,
        report_to="none",  # `reporting_callback` keeps its files out of steps/, which goes
        disable_tqdm=True,
        remove_unused_columns=False,
        seed=config.seed,
        data_seed=config.seed,
        use_cpu=classifier.device.type == "cpu",
        ddp_backend=processes.backend(),
        ddp_find_unused_parameters=False,
    )
    training_device(str(classifier.device))
    args._n_gpu = min(args._n_gpu, 1)  # several processes, never DataParallel
    return args


def _schedule(args: transformers.TrainingArguments, plan: Plan) -> None:
    args.max_steps = plan.updates
    args.warmup_steps = plan.warmup
    args.eval_steps = args.save_steps = plan.eval_every


def restore_penalty(schedule: PenaltySchedule, checkpoint: Path) -> None:
    """Take the penalty's state from a checkpoint: trainer_state.json, or an earlier version's."""
    earlier = (checkpoint / ENGINE_STATE).read_text("utf-8")
    if earlier:
        schedule.restore(json.loads(earlier)["penalty"])
        return
    state = transformers.TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
    PenaltyCallback(schedule).restore(state)


def forget_steps(checkpoint_dir: Path) -> None:
    """Remove what only a resume needs: once the run is known to be trained, and not before."""
    for name in ("steps", _FIRST):
        shutil.rmtree(checkpoint_dir / name, ignore_errors=True)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written whole; None where there is none."""
    checkpoints = sorted(
        folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[-1])
    )
    whole = [path for path in checkpoints if (path / ENGINE_STATE).is_file()]
    return whole[-1] if whole else None


def best_step(history: Sequence[dict[str, float]]) -> int | None:
    """The update whose weights were kept: the first of the highest dev accuracy."""
    scored = [entry for entry in history if "eval_accuracy" in entry]
    return int(max(scored, key=lambda entry: entry["eval_accuracy"])["step"]) if scored else None
