"""IGTrainer: `transformers.Trainer` with L = CE + lambda * tanh(alpha * V).

Cross-entropy goes through the (possibly DDP-wrapped) model as usual; the penalty's gradient is
taken apart from it on the inner model and joined at the end of each update, when V is known over
all processes and accumulation steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from torch.utils.data import DataLoader

from nliexplorer import processes
from nliexplorer.errors import NliError
from nliexplorer.modeling.devices import autocast
from nliexplorer.modeling.load import Classifier, reorder
from nliexplorer.modeling.memory import halved, unless_full
from nliexplorer.progress import say
from nliexplorer.records import StepRecord
from nliexplorer.training.dataset import LengthGrouped, TrainSet, as_batch
from nliexplorer.training.debias import classification_loss
from nliexplorer.training.dynamics import DynamicsBatch, DynamicsRecorder
from nliexplorer.training.interrupt import Interrupt
from nliexplorer.training.objective import PenaltyState, RegularisedLoss
from nliexplorer.training.path_penalty import Share, add_gradients
from nliexplorer.training.plan import Plan

OnStep = Callable[[StepRecord], None]


class IGTrainer(transformers.Trainer):
    """Trains one classifier for one objective; `regularised` is None for the baseline."""

    control: transformers.TrainerControl

    def __init__(
        self,
        classifier: Classifier,
        args: transformers.TrainingArguments,
        plan: Plan,
        train_set: TrainSet,
        regularised: RegularisedLoss | None,
    ) -> None:
        super().__init__(
            model=classifier.model,
            args=args,
            train_dataset=train_set,
            eval_dataset=train_set,  # asked for, never read: `evaluate` is our own
            data_collator=train_set.collate,
        )
        for printer in (transformers.PrinterCallback, transformers.ProgressCallback):
            self.remove_callback(printer)
        self.classifier = classifier
        self.plan = plan
        self.pairs_set = train_set
        self.regularised = regularised
        self.evaluator: Callable[[], dict[str, float]] | None = None
        self.on_update: OnStep | None = None
        self.on_note: Callable[[str], None] = say
        self.on_dynamics: Callable[[DynamicsBatch], None] | None = None
        self.dynamics = (
            DynamicsRecorder(plan.updates_per_epoch) if plan.config.record_dynamics else None
        )
        self.sampler = LengthGrouped(
            len(train_set),
            None if plan.config.pad_to else train_set.pairs.encoded.lengths,
            plan.pairs_per_update,
            plan.config.seed,
        )
        self._update = _Update()
        self.interrupt = Interrupt()
        self._piece = 1 << 40  # tokens of a forward pass; less once memory ran out
        self._clock = time.perf_counter()

    # -- data

    def get_train_dataloader(self) -> DataLoader[int]:
        loader = DataLoader(
            self.pairs_set,
            batch_size=self.args.per_device_train_batch_size,
            sampler=self.sampler,
            collate_fn=self.pairs_set.collate,
            pin_memory=self.classifier.device.type == "cuda",
        )
        return self.accelerator.prepare(loader)

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        """The update's micro-batches; how many pairs they hold over all processes is noted."""
        samples, items = super().get_batch_samples(*args, **kwargs)
        count = torch.tensor(float(sum(len(inputs["labels"]) for inputs in samples)))
        pairs = processes.all_reduce(count.to(self.classifier.device))
        self._update = _Update(pairs=float(pairs), micro_batches=len(samples))
        return samples, items

    # -- one micro-batch

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *_: Any) -> Tensor:
        """Forward and backward of one micro-batch; the last of an update also joins the penalty.

        Returns the micro-batch's part of the mean cross-entropy, detached.
        """
        model.train()
        inputs = self._prepare_inputs(inputs)
        update = self._update
        loss = self._forward_backward(model, inputs)
        step = self.state.global_step
        if self.regularised is not None and self.regularised.active(step):
            update.add_share(self._share(self.regularised, inputs, step))
        update.done += 1
        if update.done == update.micro_batches:
            self._finish_update()
        return loss

    def _forward_backward(self, model: nn.Module, inputs: dict[str, Any]) -> Tensor:
        """Cross-entropy forth and back, in pieces where memory does not hold it at once."""
        while True:
            found = unless_full(lambda: self._forward_backward_in_parts(model, inputs))
            if found is not None:
                entropies, loss = found
                self._update.add_entropies(inputs["rows"], entropies)
                return loss
            self._lower_piece(inputs)

    def _forward_backward_in_parts(
        self, model: nn.Module, inputs: dict[str, Any]
    ) -> tuple[Tensor, Tensor]:
        parts: list[Tensor] = []
        pairs = len(inputs["labels"])
        size = min(pairs, max(1, self._piece // inputs["input_ids"].shape[1]))
        for start in range(0, pairs, size):
            piece = {name: value[start : start + size] for name, value in inputs.items()}
            entropies = self._cross_entropy(model, piece)
            # DDP averages gradients over processes; the sum is wanted, over the update's pairs.
            loss = entropies.sum() / self._update.pairs
            torch.autograd.backward(loss * processes.rank_and_world()[1])
            parts.append(entropies.detach())
        entropies = torch.cat(parts)
        return entropies, entropies.sum() / self._update.pairs

    def _lower_piece(self, inputs: dict[str, Any]) -> None:
        """Half the tokens a pass from now on; what the failed pass left in the gradients goes."""
        pairs, width = inputs["input_ids"].shape
        if processes.running() or self._update.done:
            # Others wait for this process, or earlier micro-batches are in the same gradients.
            raise NliError(
                f"out of memory on {pairs} pairs of {width} tokens",
                "lower --batch-size, and raise accumulation by as much (--set accumulation=N)",
            )
        self._piece = halved(min(self._piece, pairs * width), width, self.on_note)
        self.model.zero_grad()

    def _share(self, regularised: RegularisedLoss, inputs: dict[str, Any], step: int) -> Share:
        """The penalty's share; where memory is short its path goes in smaller pieces."""
        while True:
            share = unless_full(lambda: regularised.share(inputs, step, self._update.done))
            if share is not None:
                return share
            path = regularised.path
            largest = inputs["input_ids"].numel() * max(1, path.steps)
            budget = halved(min(path.config.path_tokens, largest), note=self.on_note)
            path.config = replace(path.config, path_tokens=budget)

    def _cross_entropy(self, model: nn.Module, inputs: dict[str, Any]) -> Tensor:
        """CE of each pair [B], debiased where asked; through the wrapped model, which DDP sees."""
        batch = as_batch(inputs)
        with autocast(self.plan.config.precision, self.classifier.device):
            logits = model(input_ids=batch.input_ids, **batch.features).logits
        own = reorder(logits, self.classifier.label_order).float()
        if self.dynamics:
            self.dynamics.add(self.state.global_step, inputs["rows"], own, inputs["labels"])
        return classification_loss(
            self.plan.config.debias, own, inputs["labels"], inputs.get("expert")
        )

    # -- one update

    def _finish_update(self) -> None:
        """Join the penalty's gradient, clip, check, and report; the optimiser's step comes next."""
        update, config = self._update, self.plan.config
        step = self.state.global_step
        sums = processes.all_reduce(
            update.sums(self.interrupt.asked, self.classifier.device)
        ).tolist()
        entropy, penalties, delta, measured = sums[:4]
        self.interrupt.agreed |= sums[4] > 0  # every process stops, or none does
        state: PenaltyState | None = None
        if self.regularised is not None and update.gradients is not None:
            state = self.regularised.settle(penalties / update.pairs, step)
            _apply_penalty_gradient(
                self.regularised.parameters, update.gradients, state.factor / update.pairs
            )
        limit = config.max_grad_norm or math.inf
        norm = float(nn.utils.clip_grad_norm_(self.classifier.model.parameters(), limit))
        mean = entropy / update.pairs
        if self.regularised is not None:
            self.regularised.saw(mean)
        if not (math.isfinite(mean) and math.isfinite(norm) and math.isfinite(penalties)):
            self._refuse(step + 1, mean)
        now = time.perf_counter()
        record = StepRecord(
            step=step + 1,
            epoch=(step + 1) / self.plan.updates_per_epoch,
            ce=mean,
            total=mean,
            learning_rate=float(self.optimizer.param_groups[0]["lr"]),
            grad_norm=norm,
            seconds=now - self._clock,
        )
        self._clock = now
        if state is not None:
            record = replace(
                record,
                total=mean + state.penalty,
                variance=state.variance,
                penalty=state.penalty,
                saturation=state.saturation,
                completeness_delta=delta / measured if measured else None,
            )
        if self.on_update:
            self.on_update(record)

    def _refuse(self, step: int, entropy: float) -> None:
        """Stop on a loss or gradient that is no number, before it reaches the weights."""
        rows = processes.gather_lists(self._update.offenders())
        shown = ", ".join(str(row) for row in rows[:5]) + (", …" if len(rows) > 5 else "")
        part = "loss" if not math.isfinite(entropy) else "gradient or penalty"
        self.model.zero_grad()
        self._save_checkpoint(self.model_wrapped, trial=None)
        raise NliError(
            f"the {part} is not finite at step {step}, training pairs {shown} (rows from 0)",
            f"weights from before it are in {self.args.output_dir}; lower the learning rate or "
            "the penalty, or use --precision fp32",
        )

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """What was seen of the training pairs is handed on first: a resume starts behind it."""
        for seen in self.dynamics.take() if self.dynamics else ():
            if self.on_dynamics:
                self.on_dynamics(seen)
        super()._save_checkpoint(*args, **kwargs)

    # -- evaluation: never the penalty

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        metrics = self.evaluator() if self.evaluator else {}
        self._clock = time.perf_counter()
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def log(self, logs: dict[str, float], *_: Any, **__: Any) -> None:
        """Only evaluations go to the trainer's own history; steps go to the sink."""
        if any(name.startswith("eval_") for name in logs):
            self.state.log_history.append({**logs, "step": self.state.global_step})

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:  # noqa: ARG002
        return 0  # counting them walks all parameters at each step and nobody reads it


class _Update:
    """What one optimiser update gathers from its micro-batches."""

    def __init__(self, pairs: float = 0.0, micro_batches: int = 1) -> None:
        self.pairs, self.micro_batches, self.done = pairs, micro_batches, 0
        self.entropies: list[tuple[Tensor, Tensor]] = []
        self.gradients: list[Tensor | None] | None = None
        self.penalty: list[Tensor] = []
        self.delta: list[Tensor] = []
        self.measured = 0

    def add_entropies(self, rows: Tensor, entropies: Tensor) -> None:
        self.entropies.append((rows, entropies))

    def add_share(self, share: Share) -> None:
        self.penalty.append(share.total)
        self.gradients = (
            share.gradients
            if self.gradients is None
            else add_gradients(self.gradients, share.gradients)
        )
        if share.delta is not None:
            self.delta.append(share.delta)
            self.measured += share.measured

    def sums(self, interrupted: bool, device: torch.device) -> Tensor:
        """(sum of CE, of penalties, of |delta|, pairs behind delta, interrupted), its own."""
        parts = [
            [entropies.sum() for _, entropies in self.entropies],
            self.penalty,
            self.delta,
        ]
        zero = torch.zeros((), device=device, dtype=torch.float64)
        sums = [sum((value.double() for value in part), zero) for part in parts]
        return torch.stack([*sums, zero + self.measured, zero + interrupted])

    def offenders(self) -> list[int]:
        """Rows whose cross-entropy is not finite; all rows where it is finite throughout."""
        bad = [rows[~entropies.isfinite()] for rows, entropies in self.entropies]
        found = torch.cat(bad).tolist()
        return found or torch.cat([rows for rows, _ in self.entropies]).tolist()


def _apply_penalty_gradient(
    parameters: list[nn.Parameter], gradients: list[Tensor | None], factor: float
) -> None:
    """Add `factor` times the penalty's gradient, summed over processes, to the loss's."""
    pairs = [
        (parameter, gradient)
        for parameter, gradient in zip(parameters, gradients, strict=True)
        if gradient is not None
    ]
    if processes.running():
        flat = processes.all_reduce(torch.cat([gradient.flatten() for _, gradient in pairs]))
        sizes = [gradient.numel() for _, gradient in pairs]
        pieces = torch.split(flat, sizes)  # type: ignore[no-untyped-call]
        pairs = [
            (parameter, piece.view_as(parameter))
            for (parameter, _), piece in zip(pairs, pieces, strict=True)
        ]
    for parameter, gradient in pairs:
        if parameter.grad is None:
            parameter.grad = gradient * factor
        else:
            parameter.grad.add_(gradient, alpha=factor)
