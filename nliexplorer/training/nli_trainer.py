"""IGTrainer on this project's own pairs: their order, their loss, their dev metrics."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from torch.utils.data import DataLoader

from nliexplorer import processes
from nliexplorer.errors import NliError
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.devices import autocast
from nliexplorer.modeling.load import Classifier, reorder
from nliexplorer.training.dataset import LengthGrouped, TrainSet
from nliexplorer.training.debias import classification_loss
from nliexplorer.training.dynamics import DynamicsRecorder
from nliexplorer.training.gradient_supervision import gradient_alignment
from nliexplorer.training.group_dro import GroupWeights
from nliexplorer.training.inputs import batch_of
from nliexplorer.training.partners import PartnersTogether
from nliexplorer.training.path_penalty import PathPenalty
from nliexplorer.training.plan import Plan
from nliexplorer.training.trainer import IGTrainer, mean_cross_entropy


class NliTrainer(IGTrainer):
    """Trains `classifier` on the plan's objective; labels in the order of its classes."""

    def __init__(
        self,
        classifier: Classifier,
        args: transformers.TrainingArguments,
        plan: Plan,
        train_set: TrainSet,
        evaluator: Callable[[], dict[str, float]],
    ) -> None:
        config = plan.config
        super().__init__(
            model=classifier.model,
            args=args,
            train_dataset=train_set,
            eval_dataset=train_set,  # asked for, never read: `evaluate` is our own
            data_collator=train_set.collate,
            compute_loss_func=mean_cross_entropy,  # has Trainer count the update's pairs
            penalty=PathPenalty(classifier, config, precision=config.precision, seed=config.seed)
            if config.penalised
            else None,
            fresh_head=plan.fresh,
        )
        self.classifier, self.plan, self.pairs_set = classifier, plan, train_set
        self.evaluator = evaluator
        self.dynamics = DynamicsRecorder(plan.updates_per_epoch) if config.record_dynamics else None
        self.sampler = self._sampler()
        #: (sum, pairs) of the gradient supervision, micro-batches of the last epoch
        self.supervision: deque[tuple[Tensor, int]] = deque(
            maxlen=plan.updates_per_epoch * config.accumulation
        )
        groups = train_set.pairs.groups
        self.group_weights = None if groups is None else GroupWeights(groups, config.dro_step)
        if self.group_weights:
            self.add_callback(self.group_weights)
        self.row_losses: list[tuple[Tensor, Tensor]] = []  # (rows, losses) of the current update

    def _sampler(self) -> LengthGrouped:
        config, pairs = self.plan.config, self.pairs_set.pairs
        lengths = None if config.pad_to else pairs.encoded.lengths
        if config.contrast:
            assert pairs.partners is not None
            return PartnersTogether(
                pairs.partners, pairs.labels, lengths, self.plan.pairs_per_update, config.seed
            )
        return LengthGrouped(len(pairs), lengths, self.plan.pairs_per_update, config.seed)

    def get_train_dataloader(self) -> DataLoader[int]:
        loader = DataLoader(
            self.pairs_set,
            batch_size=self.args.per_device_train_batch_size,
            sampler=self.sampler,
            collate_fn=self.pairs_set.collate,
            pin_memory=self.classifier.device.type == "cuda",
        )
        return self.accelerator.prepare(loader)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """This micro-batch's part of the update's mean loss, by the config's kind of loss."""
        batch = batch_of(inputs)
        with autocast(self.plan.config.precision, self.classifier.device):
            outputs = model(input_ids=batch.input_ids, **batch.features)
        logits = reorder(outputs.logits, self.classifier.label_order).float()
        losses = self._losses(logits, inputs)
        if self.dynamics:
            self.dynamics.add(self.state.global_step, inputs["rows"], logits, inputs["labels"])
        if self.plan.config.gradient_supervision:
            losses = losses + self._supervised(batch, inputs)
        # DDP averages gradients over processes; the mean is over the pairs of all of them.
        loss = losses.sum() / num_items_in_batch * processes.rank_and_world()[1]
        return (loss, outputs) if return_outputs else loss

    @property
    def _debiasing(self) -> bool:
        """Whether the warm-up of the debiasing is over."""
        return self.state.global_step >= self.plan.config.debias_warmup * self.plan.updates

    def _losses(self, logits: Tensor, inputs: dict[str, Any]) -> Tensor:
        """The loss of each pair [B], weighted as the debiasing has it."""
        config, debiasing = self.plan.config, self._debiasing
        kind = config.debias if debiasing else "none"
        targets = inputs["labels"]
        if "shares" in inputs and (debiasing or config.soft_labels):
            targets = inputs["shares"]
        losses = classification_loss(kind, logits, targets, inputs.get("expert"))
        self.row_losses.append((inputs["rows"], losses.detach()))
        if debiasing and self.group_weights:
            losses = losses * self.group_weights.of(inputs["rows"])
        if debiasing and "weights" in inputs:
            losses = losses * inputs["weights"]
        return losses

    def _supervised(self, batch: Batch, inputs: dict[str, Any]) -> Tensor:
        """The weighted gradient supervision of each pair [B]."""
        revised = inputs["revised_labels"]
        with autocast(self.plan.config.precision, self.classifier.device):
            values = gradient_alignment(
                self.classifier, batch, inputs["labels"], revised, inputs["revised_ids"]
            )
        self.supervision.append((values.detach().sum(), int((revised >= 0).sum())))
        return self.plan.config.gradient_supervision * values

    def supervision_summary(self) -> dict[str, float]:
        """Mean 1 - cos over this process's counterfactual pairs of the last epoch."""
        pairs = sum(count for _, count in self.supervision)
        total = sum(float(value) for value, _ in self.supervision)
        return {"gradient_supervision": total / pairs} if pairs else {}

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Dev metrics of the forward pass alone."""
        metrics = self.evaluator()
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def refuse_non_finite(self) -> None:
        """Stop on a loss or gradient that is no number, before it reaches the weights; where all
        are, group DRO takes the losses in."""
        losses, self.row_losses = self.row_losses, []
        gradients = [each.grad for each in self.model.parameters() if each.grad is not None]
        if bool(nn.utils.get_total_norm(gradients).isfinite()):
            if self.group_weights and self._debiasing:
                rows_of, losses_of = zip(*losses, strict=True)
                self.group_weights.update(torch.cat(rows_of), torch.cat(losses_of))
            return
        bad = torch.cat([rows[~each.isfinite()] for rows, each in losses]).tolist()
        own = bad or torch.cat([rows for rows, _ in losses]).tolist()
        any_bad = any(processes.gather_lists([bool(bad)]))
        rows = processes.gather_lists(own if bool(bad) == any_bad else [])
        shown = ", ".join(str(row) for row in rows[:5]) + (", …" if len(rows) > 5 else "")
        step = self.state.global_step
        folder = f"{self.args.output_dir}/checkpoint-{step}"
        self.model.zero_grad()
        self.save_model(folder)
        raise NliError(
            f"the {'loss' if any_bad else 'gradient or penalty'} is not finite at step {step + 1}, "
            f"training pairs {shown} (rows from 0)",
            f"weights from before it are in {folder}; lower the learning rate or "
            "the penalty, or use --precision fp32",
        )
