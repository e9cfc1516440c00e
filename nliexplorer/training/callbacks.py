"""When to evaluate, save and stop; and what a user sees meanwhile on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from nliexplorer.progress import ProgressReport, say
from nliexplorer.records import Metrics, StepRecord
from nliexplorer.training.dynamics import DynamicsBatch
from nliexplorer.training.interrupt import Interrupt
from nliexplorer.training.plan import Plan

if TYPE_CHECKING:
    from nliexplorer.training.nli_trainer import NliTrainer

#: The last file of a whole checkpoint; in those of earlier versions it holds the penalty's state.
ENGINE_STATE = "engine.json"


class StepCallback(TrainerCallback):
    """Records every update, checked before it reaches the weights; handles interruption."""

    def __init__(
        self,
        plan: Plan,
        trainer: NliTrainer,
        interrupt: Interrupt,
        sink: Callable[[StepRecord], None],
    ) -> None:
        self.plan, self.trainer, self.interrupt, self.sink = plan, trainer, interrupt, sink
        self._clock = time.perf_counter()

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._clock = time.perf_counter()

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        self.trainer.refuse_non_finite()

    def on_log(
        self, _args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any
    ) -> None:
        if "loss" not in logs:
            return
        state.log_history.pop()  # the sink keeps it: trainer_state.json would grow with every step
        now = time.perf_counter()
        self.sink(
            StepRecord(
                step=state.global_step,
                epoch=state.global_step / self.plan.updates_per_epoch,
                ce=logs.get("ce", logs["loss"]),
                total=logs["loss"],
                learning_rate=logs["learning_rate"],
                grad_norm=logs.get("grad_norm"),
                seconds=now - self._clock,
                variance=logs.get("penalty_value"),
                penalty=logs.get("penalty"),
                saturation=logs.get("saturation"),
                completeness_delta=logs.get("completeness_delta"),
            )
        )
        self._clock = now
        if self.interrupt.agree():
            control.should_save = control.should_training_stop = True

    def on_evaluate(self, *_: Any, **__: Any) -> None:
        self._clock = time.perf_counter()


class CheckpointCallback(TrainerCallback):
    """Early stopping, the last evaluation, and checkpoints that can be resumed."""

    def __init__(self, plan: Plan, trainer: NliTrainer, evaluates: bool) -> None:
        self.plan, self.trainer, self.evaluates = plan, trainer, evaluates
        self.on_dynamics: Callable[[DynamicsBatch], None] = lambda _: None
        self.stopped_early = False

    def on_epoch_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        self.trainer.sampler.set_epoch(int(state.epoch or 0))

    def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step >= self.plan.updates:
            control.should_save = True
            control.should_evaluate = self.evaluates

    def on_evaluate(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.out_of_patience(state):
            self.stopped_early = True
            control.should_save = control.should_training_stop = True

    def out_of_patience(self, state: Any) -> bool:
        """Whether the last evaluations brought too little to go on."""
        waited = evaluations_without_gain(state.log_history)
        return 0 < self.plan.config.patience <= waited and state.global_step < self.plan.updates

    def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Pass on the recorded training dynamics, then mark the checkpoint as complete.

        A resume takes marked checkpoints only: it starts behind everything handed on.
        """
        for batch in self.trainer.dynamics.take() if self.trainer.dynamics else ():
            self.on_dynamics(batch)
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / ENGINE_STATE).touch()


def evaluations_without_gain(history: list[dict[str, float]]) -> int:
    """Evaluations since the best accuracy; read from the saved history, so a resume counts on."""
    accuracies = [entry["eval_accuracy"] for entry in history if "eval_accuracy" in entry]
    return len(accuracies) - 1 - accuracies.index(max(accuracies)) if accuracies else 0


class Reporter:
    """Loss, penalty, evaluations and time left of one training, on stderr."""

    def __init__(self, title: str, updates: int, done: int = 0) -> None:
        self.title, self.updates = title, updates
        self.loss: float | None = None  # exponential mean
        self._progress = ProgressReport(title, "steps", updates, done)

    def step(self, record: StepRecord) -> None:
        self.loss = record.total if self.loss is None else 0.95 * self.loss + 0.05 * record.total
        note = f"loss {self.loss:.4f}"
        if record.variance is not None:
            note += f" · V {record.variance:.3g} · tanh {record.saturation:.2f}"
        self._progress.advance(record.step, self.updates, note)

    def evaluation(self, step: int, metrics: Metrics) -> None:
        self.say(
            f"step {step}/{self.updates} · dev accuracy {metrics.accuracy:.4f}"
            + (f" · NLL {metrics.nll:.4f}" if metrics.nll is not None else "")
        )

    def say(self, text: str) -> None:
        say(f"{self.title}: {text}")

    def close(self) -> None:
        self._progress.close()
