"""IGTrainer: `transformers.Trainer` with L = CE + lambda * tanh(alpha * V)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from torch.utils.data import Subset
from transformers.trainer_callback import ExportableState, TrainerCallback

from nliexplorer import processes
from nliexplorer.config import PathPenaltyConfig
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import as_classifier
from nliexplorer.modeling.memory import halved, none_if_out_of_memory
from nliexplorer.progress import say
from nliexplorer.training.estimators import Gradients, add_gradients
from nliexplorer.training.inputs import PENALTY_COLUMNS, class_labels
from nliexplorer.training.path_penalty import PathPenalty, PenaltyState, Share
from nliexplorer.training.penalty_schedule import PenaltySchedule

CALIBRATION_BATCHES = 8


class IGTrainer(transformers.Trainer):
    """A `transformers.Trainer` that adds a penalty on attributions to its loss.

    Takes what Trainer takes, and `penalty`: a `PathPenaltyConfig`, or a `PathPenalty` of this
    model; without one it trains on the plain loss. Any sequence classifier with an embedding table,
    one sentence or two a row, any number of labels. `fresh_head=False` says that the model already
    knows the task, so that `alpha = "auto"` need not wait for it to learn. A column `rationale` of
    the batch (one mark a token) reaches the penalty, not the model.

    `log()` gains `ce`, `penalty` (lambda * tanh(alpha * V)), `penalty_value` (V), `saturation`
    (tanh(alpha * V)) and `completeness_delta` (mean |sum of scores - rise of the logit|), means
    since the last log; `loss` is CE + penalty. Evaluation never computes the penalty.
    With `bf16` the path is in bfloat16 as well; with `fp16` it stays in single precision, as second
    derivatives leave the range of half, and its gradient joins with the loss's scale.

        trainer = IGTrainer(model=model, args=TrainingArguments("out"), train_dataset=rows,
                            processing_class=tokenizer, penalty=PathPenaltyConfig(lambda_=0.1))
        trainer.train()

    Raises NliError for a model without embedding table and for settings that do not fit together.
    """

    compute_loss_func: Any
    control: transformers.TrainerControl

    def __init__(
        self,
        *args: Any,
        penalty: PathPenaltyConfig | PathPenalty | None = None,
        fresh_head: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.on_note: Callable[[str], None] = say
        self.schedule: PenaltySchedule | None = None
        self._update = _Update()
        self._logged = _Means()
        self._piece = 1 << 40  # tokens of a forward pass; less once memory ran out
        if penalty is None:
            return
        if self.is_deepspeed_enabled or self.is_fsdp_enabled:
            raise NliError(
                "the penalty's second derivatives need whole parameters on each device",
                "use DistributedDataParallel: torchrun without DeepSpeed or FSDP",
            )
        if not isinstance(penalty, PathPenalty):
            penalty = PathPenalty(
                self.model,
                penalty,
                self.processing_class,
                precision="bf16" if self.args.bf16 else "fp32",
                seed=int(self.args.seed),
            )
        else:
            penalty.attach(penalty.classifier)  # Trainer may have moved the model to a GPU
        self.schedule = PenaltySchedule(
            penalty,
            fresh_head=fresh_head,
            log=lambda text: self.on_note(text),
            calibration_batches=self.calibration_batches,
        )
        self.add_callback(PenaltyCallback(self.schedule))
        if self.compute_loss_func is None and self.label_smoother is None and _classifies(self):
            # Most models' own loss is a mean over the micro-batch, which Trainer takes for a sum
            # over the update: an accumulated loss would be as many times too large as it has parts.
            self.compute_loss_func = mean_cross_entropy

    # -- an update, downwards: cross-entropy, penalty, join, clip, step

    def training_step(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> Tensor:
        """One micro-batch: its part of the update's loss, detached.

        The cross-entropy goes through the (DDP-wrapped) model, the penalty through the model
        itself; with the update's last micro-batch V is known, and the penalty's gradient joins the
        cross-entropy's. Then Trainer clips by `max_grad_norm` and takes the optimiser's step.
        """
        schedule, update, step = self.schedule, self._update, self.state.global_step
        if schedule is not None:
            class_labels(inputs, schedule.penalty.classifier)  # refused before the loss meets them
        loss = self._cross_entropy(model, inputs, num_items_in_batch)
        update.losses.append(loss)
        if schedule is not None and schedule.is_active(step):
            update.add(self._penalty_share(schedule, inputs, step), len(inputs["input_ids"]))
        if self.accelerator.sync_gradients:  # the last micro-batch
            self._update = _Update()
            if schedule is not None:
                loss = loss + self._join_penalty(schedule, update, step)
        return loss

    def _cross_entropy(self, model: nn.Module, inputs: dict[str, Any], items: Any) -> Tensor:
        """Forward and backward of the loss, in pieces where memory does not hold it at once."""
        step = super().training_step
        if self.args.auto_find_batch_size:  # Trainer's own way out of short memory
            return step(model, inputs, items)
        pairs, width = inputs["input_ids"].shape
        while True:
            size = min(pairs, max(1, self._piece // width))
            pieces = [
                {name: value[start : start + size] for name, value in inputs.items()}
                for start in range(0, pairs, size)
            ]
            losses = none_if_out_of_memory(partial(_each, step, model, pieces, items))
            if losses is not None:
                return torch.stack(losses).sum()
            if items is None or processes.running() or self._update.losses:
                # Others wait for this process, earlier micro-batches are in the same gradients, or
                # the loss is a mean of its batch, which pieces do not add up to.
                raise NliError(
                    f"out of memory on {pairs} pairs of {width} tokens",
                    "lower --batch-size, and raise accumulation by as much (--set accumulation=N)",
                    "memory",
                )
            self._piece = halved(min(self._piece, pairs * width), width, self.on_note)
            self.model.zero_grad()

    def _penalty_share(self, schedule: PenaltySchedule, inputs: dict[str, Any], step: int) -> Share:
        """The penalty's share; where memory is short its path goes in smaller pieces."""
        penalty = schedule.penalty
        self._choose_auto_settings(schedule, step)
        device = penalty.classifier.device
        inputs = {name: value.to(device) for name, value in inputs.items()}
        scaler = getattr(self.accelerator, "scaler", None)
        scale = 1.0 if scaler is None else float(scaler.get_scale())
        while True:
            share = none_if_out_of_memory(
                lambda: schedule.share(inputs, step, len(self._update.losses) - 1, scale)
            )
            if share is not None:
                return share
            largest = inputs["input_ids"].numel() * max(1, penalty.steps)
            penalty.halve_memory(
                halved(min(penalty.config.path_tokens, largest), note=self.on_note)
            )

    def _choose_auto_settings(self, schedule: PenaltySchedule, step: int) -> None:
        """Where memory is short, in smaller passes from then on; alone: others wait in between."""
        penalty = schedule.penalty

        def choose() -> bool:
            schedule.choose_auto_settings(step)
            return True

        while not none_if_out_of_memory(choose):
            if processes.running():
                raise NliError(
                    "out of memory where the penalty's settings are tried out",
                    f"allow it less (--set path_tokens={penalty.chunk_tokens // 2})",
                    "memory",
                )
            penalty.halve_memory(halved(penalty.chunk_tokens, note=self.on_note))

    def _join_penalty(self, schedule: PenaltySchedule, update: _Update, step: int) -> float:
        """Add the penalty's gradient to the loss's; returns the penalty."""
        sums = processes.all_reduce(update.sums(schedule.penalty.classifier.device)).tolist()
        loss, value, pairs, delta, measured = sums
        mean = loss / processes.rank_and_world()[1]
        schedule.observe_loss(mean)
        self._logged.add(ce=mean)
        if update.gradients is None:
            return 0.0
        state: PenaltyState = schedule.penalty_state(value / pairs, step)
        schedule.penalty.add_gradients(update.gradients, state.factor / pairs)
        self._logged.add(
            penalty=state.penalty, penalty_value=state.value, saturation=state.saturation
        )
        if measured:
            schedule.observe_delta(delta, int(measured))
            self._logged.add(completeness_delta=delta / measured)
        return state.penalty

    # -- what Trainer asks for

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Trainer's loss, without the columns that only the penalty reads."""
        model_inputs = {name: each for name, each in inputs.items() if name not in PENALTY_COLUMNS}
        return super().compute_loss(model, model_inputs, return_outputs, num_items_in_batch)

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Trainer's log; beside a training loss stand the penalty's figures."""
        if "loss" in logs:
            logs = {**logs, **self._logged.take()}
        super().log(logs, *args, **kwargs)

    def calibration_batches(self) -> Sequence[dict[str, Any]]:
        """This process's share of random training batches that `auto` settings are chosen on."""
        rows = self.train_dataset
        if rows is None or not hasattr(rows, "__len__") or not hasattr(rows, "__getitem__"):
            raise NliError(
                "'auto' settings are chosen on random training rows, and this data is a stream",
                "give alpha and ig_steps numbers",
            )
        draw = np.random.default_rng((int(self.args.seed), 1))
        size = min(self.args.per_device_train_batch_size, len(rows))
        count = min(CALIBRATION_BATCHES, max(1, len(rows) // size))
        drawn = draw.permutation(len(rows))[: size * count].tolist()
        part = rows.select(drawn) if hasattr(rows, "select") else Subset(rows, drawn)
        with torch.random.fork_rng(devices=[]):  # a loader draws a seed: training draws its own
            loader = self.get_test_dataloader(part)
            device = self.args.device
            return [{name: each.to(device) for name, each in batch.items()} for batch in loader]


class PenaltyCallback(TrainerCallback, ExportableState):
    """Keeps the penalty's state in a checkpoint's trainer_state.json, and takes it from there."""

    def __init__(self, schedule: PenaltySchedule) -> None:
        self.schedule = schedule

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"penalty": self.schedule.state()}}

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **kwargs: Any) -> None:
        self.schedule.updates = state.max_steps
        penalty = self.schedule.penalty
        if penalty.classifier.model is not kwargs["model"]:  # `model_init` made another
            penalty.attach(as_classifier(kwargs["model"], penalty.classifier.tokenizer))
        self.restore(state)

    def restore(self, state: Any) -> None:
        """Go on as the TrainerState of a checkpoint says; keep what there is where it says none."""
        held = state.stateful_callbacks.setdefault(type(self).__name__, self.state())
        self.schedule.restore(held["attributes"]["penalty"])


def mean_cross_entropy(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
    """Cross-entropy over the update's rows: its sum / their number, which Trainer counts."""
    logits = outputs["logits"] if isinstance(outputs, dict) else outputs[0]
    if num_items_in_batch is None:
        return nn.functional.cross_entropy(logits.float(), labels)
    return nn.functional.cross_entropy(logits.float(), labels, reduction="sum") / num_items_in_batch


def _each(
    step: Callable[..., Tensor], model: nn.Module, pieces: Sequence[dict[str, Any]], items: Any
) -> list[Tensor]:
    return [step(model, piece, items) for piece in pieces]


def _classifies(trainer: transformers.Trainer) -> bool:
    """Whether the loss is one class's cross-entropy, as far as the model's configuration says."""
    config = trainer.model.config
    kind = getattr(config, "problem_type", None)
    return kind in (None, "single_label_classification") and getattr(config, "num_labels", 2) > 1


@dataclass(slots=True)
class _Update:
    """What one optimiser update gathers from its micro-batches."""

    losses: list[Tensor] = field(default_factory=list)
    pairs: int = 0
    penalties: list[Tensor] = field(default_factory=list)
    gradients: Gradients | None = None
    deltas: list[Tensor] = field(default_factory=list)
    measured: int = 0

    def add(self, share: Share, pairs: int) -> None:
        self.pairs += pairs
        self.penalties.append(share.total)
        self.gradients = (
            share.gradients
            if self.gradients is None
            else add_gradients(self.gradients, share.gradients)
        )
        if share.delta is not None:
            self.deltas.append(share.delta)
            self.measured += share.measured

    def sums(self, device: torch.device) -> Tensor:
        """(loss, sum of penalties, pairs, sum of |delta|, pairs behind it), this process's."""
        zero = torch.zeros((), device=device, dtype=torch.float64)
        loss, penalty, delta = (
            sum((value.double() for value in part), zero)
            for part in (self.losses, self.penalties, self.deltas)
        )
        return torch.stack([loss, penalty, zero + self.pairs, delta, zero + self.measured])


class _Means:
    """Means of named figures since they were last taken."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, **figures: float) -> None:
        for name, value in figures.items():
            self._values.setdefault(name, []).append(value)

    def take(self) -> dict[str, float]:
        values, self._values = self._values, {}
        return {name: sum(each) / len(each) for name, each in values.items()}
