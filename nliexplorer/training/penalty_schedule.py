"""Schedule of the penalty: warm-up, strength, and resolution of its `auto` settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nliexplorer import processes
from nliexplorer.errors import NliError
from nliexplorer.progress import say
from nliexplorer.records import SATURATED
from nliexplorer.training.path_penalty import PathPenalty, PenaltyState, Share

#: Parts of the updates: before the first `alpha = "auto"` never looks at a fresh model, and at the
#: second it waits no longer for one to learn.
AUTO_WARMUP, AUTO_LATEST = 0.1, 0.5
#: tanh(alpha * V) that `alpha = "auto"` aims at: half way, where the slope is 3/4 of its largest.
AUTO_SATURATION = 0.5
#: Nodes of the reference that `ig_steps = "auto"` is held against; the error V may have, and the
#: cosine that the gradient must have to the reference's.
REFERENCE_STEPS, STEPS_TOLERANCE, LEAST_COSINE = 50, 0.02, 0.98
_CANDIDATES = (3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 64, 100, 160, 240)
#: Completeness error, as a part of the logit difference, that the reference may have (it takes
#: more nodes up to `_MOST_STEPS`), and above which the penalty's own nodes are warned of.
_REFERENCE_ERROR, _WARNED_ERROR, _MOST_STEPS = 0.05, 0.1, 400
_DECAY = 0.9
#: A fresh model has learnt once the running mean of its loss is this part of that of the first
#: `_FIRST` updates; alpha is chosen then.
LEARNT, _FIRST = 0.8, 10
_DELTA_EVERY = 25  # updates between two looks at completeness, which cost two forwards

Inputs = dict[str, Any]


class PenaltySchedule:
    """The penalty side of the objective over a whole run of `updates` optimiser updates.

    `fresh_head`: the model's head has learnt nothing yet, so V says nothing at first.
    `calibration_batches` gives this process's share of the batches `auto` settings are chosen on.
    """

    def __init__(
        self,
        penalty: PathPenalty,
        *,
        updates: int = 0,
        fresh_head: bool = True,
        log: Callable[[str], None] = say,
        calibration_batches: Callable[[], Sequence[Inputs]] = lambda: (),
    ) -> None:
        self.penalty, self.updates, self.fresh_head = penalty, updates, fresh_head
        self.log = log
        self.calibration_batches = calibration_batches
        self._penalised, self._saturation, self._saturated = 0, 0.0, 0
        self._delta, self._measured = 0.0, 0
        self._start: int | None = None  # the first penalised update
        self._losses: list[float] = []  # the first updates', then their running mean
        self._steps_chosen_at = -1
        self._checked = False

    # -- when, and how strong

    @property
    def calibrate_between(self) -> tuple[int, int]:
        """The first and last update before which alpha may be chosen.

        Never on a random head, whose V says nothing: it is a thousandth of what it will be.
        """
        if self.penalty.config.alpha != "auto" or not self.fresh_head:
            return 0, 0
        return math.ceil(AUTO_WARMUP * self.updates), math.ceil(AUTO_LATEST * self.updates)

    def weight(self, update: int) -> float:
        """lambda at `update` (from 0), ramped up over `penalty_warmup` from the first on."""
        ramp = self.penalty.config.penalty_warmup * self.updates
        done = update - (self._start or 0) + 1
        return self.penalty.config.lambda_ * (min(1.0, done / ramp) if ramp >= 1 else 1.0)

    def is_active(self, update: int) -> bool:
        """Whether this update is penalised."""
        if self._start is None and self._ready(update):
            self._start = update
        return self._start is not None and self.weight(update) > 0

    def _ready(self, update: int) -> bool:
        earliest, latest = self.calibrate_between
        if not earliest <= update < latest:
            return update >= latest
        first, now = self._losses[:_FIRST], self._losses[-1]
        return len(self._losses) > _FIRST and now <= LEARNT * float(np.mean(first))

    def observe_loss(self, loss: float) -> None:
        """An update's mean cross-entropy, over all processes: whether a fresh model has learnt."""
        if self._start is None:
            if len(self._losses) <= _FIRST:
                self._losses.append(loss)
            else:
                self._losses[-1] += (1 - _DECAY) * (loss - self._losses[-1])

    # -- one update

    def share(
        self, inputs: Inputs, update: int, micro_batch: int, gradient_scale: float = 1.0
    ) -> Share:
        """A micro-batch's share of the update (both from 0)."""
        draw = (self.penalty.seed, update, micro_batch, processes.rank_and_world()[0])
        with_delta = update % _DELTA_EVERY == 0 and micro_batch == 0
        return self.penalty.share(inputs, draw, with_delta, gradient_scale)

    def penalty_state(self, value: float, update: int) -> PenaltyState:
        """The update's penalty, given V over all of it."""
        state = self.penalty.penalty_state(value, self.weight(update))
        self._penalised += 1
        self._saturation += state.saturation
        self._saturated += state.saturation > SATURATED
        return state

    def observe_delta(self, delta: float, measured: int) -> None:
        """Sum of |completeness delta| over so many pairs."""
        self._delta += delta
        self._measured += measured

    # -- the run

    def summary(self) -> dict[str, Any]:
        """What to keep of the penalty with the run."""
        return {
            "alpha": self.penalty.alpha,
            "ig_steps": self.penalty.steps,
            "mean_saturation": self._saturation / self._penalised if self._penalised else None,
            "saturated": self._saturated > 0.5 * self._penalised,
            "mean_completeness_delta": self._delta / self._measured if self._measured else None,
        }

    def state(self) -> dict[str, Any]:
        """What a checkpoint must carry so that a resumed run goes on alike."""
        return {
            "alpha": self.penalty.alpha,
            "steps": self.penalty.steps,
            "running": self.penalty.running,
            "saturation": [self._penalised, self._saturation, self._saturated],
            "delta": [self._delta, self._measured],
            "steps_chosen_at": self._steps_chosen_at,
            "start": self._start,
            "entropies": self._losses,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`, also as earlier versions wrote it."""
        self.penalty.alpha, self.penalty.running = state["alpha"], state["running"]
        self.penalty.steps = int(state["steps"])
        if "saturations" in state:
            values = state["saturations"]
            over = sum(value > SATURATED for value in values)
            state = {**state, "saturation": [len(values), sum(values), over]}
        self._penalised, self._saturation, self._saturated = state["saturation"]
        self._delta, self._measured = state.get("delta", (0.0, 0))
        self._steps_chosen_at = int(state["steps_chosen_at"])
        # checkpoints of earlier versions: what was chosen was in force
        self._start = state.get("start", None if self.penalty.alpha is None else 0)
        self._losses = list(state.get("entropies", ()))

    # -- auto settings

    def choose_auto_settings(self, update: int) -> None:
        """Choose what is `auto` when its time has come; before the update's first share.

        Called again after an error, it goes on with what was not chosen yet.
        """
        looks_again_at = math.ceil(AUTO_WARMUP * self.updates) if self.fresh_head else 0
        due = self._steps_chosen_at < 0 or self._steps_chosen_at < looks_again_at <= update
        chooses_steps = self.penalty.chooses_steps and due
        if self._checked and not chooses_steps and self.penalty.alpha is not None:
            return
        batches = self.calibration_batches()
        if chooses_steps:
            self.penalty.steps = self._fewest_steps(batches)
            self._steps_chosen_at = update
        if self.penalty.alpha is None:
            self.penalty.alpha = self._chosen_alpha(batches)
        if not self._checked and batches:
            self._warn_incomplete(batches)
        self._checked = True

    def _warn_incomplete(self, batches: Sequence[Inputs]) -> None:
        """Scores that miss the logit difference make V a number without a meaning."""
        if self.penalty.estimator.random_value:
            return  # two nodes a draw, unbiased: no draw is complete by itself
        error = self._completeness_error(batches, self.penalty.steps)
        if error > _WARNED_ERROR:
            self.log(
                f"the penalty's attributions miss {error:.0%} of the logit difference with "
                f"{self.penalty.steps} nodes from the {self.penalty.baseline} baseline: V is not "
                "to be trusted; use more --ig-steps, or auto"
            )

    def _completeness_error(self, batches: Sequence[Inputs], steps: int) -> float:
        """On the first batch; the largest of all processes, so that all choose alike."""
        return max(processes.gather_lists([self.penalty.completeness_error(batches[0], steps)]))

    def _reference_steps(self, batches: Sequence[Inputs]) -> int:
        """The fewest of 50, 100, … nodes that are complete."""
        steps = REFERENCE_STEPS
        while (error := self._completeness_error(batches, steps)) > _REFERENCE_ERROR:
            if steps >= _MOST_STEPS:
                raise NliError(
                    f"ig_steps cannot be chosen: even {steps} nodes miss {error:.0%} of the logit "
                    f"difference on the path from the {self.penalty.baseline} baseline",
                    "give a number, such as --ig-steps 100, or train another model",
                    "quadrature",
                )
            steps *= 2
        return steps

    def _values(self, batches: Sequence[Inputs], steps: int) -> list[float]:
        """V of each batch, of all processes."""
        values = [self.penalty.value(inputs, steps).double().mean() for inputs in batches]
        return processes.gather_lists([float(value) for value in values])

    def _fewest_steps(self, batches: Sequence[Inputs]) -> int:
        """The fewest nodes whose V is within 2 % of that of 50 nodes on the calibration batches,
        and whose gradient on the first of them has a cosine of 0.98 to that of 50 nodes; more than
        50 where the path needs them."""
        least = self.penalty.config.ig_gradient_steps
        sampled = self.penalty.config.ig_estimator == "sampled"
        most = self._reference_steps(batches)
        reference = float(np.mean(self._values(batches, most)))
        direction: Tensor | None = None
        for steps in _CANDIDATES:
            if steps >= most:
                break
            if sampled and steps < least:
                continue
            value = float(np.mean(self._values(batches, steps)))
            error = abs(value - reference) / max(abs(reference), 1e-12)
            if error > STEPS_TOLERANCE:
                continue
            if direction is None:
                direction = self.penalty.gradient(batches[0], most)
            cosine = self._cosine(self.penalty.gradient(batches[0], steps), direction)
            if cosine >= LEAST_COSINE:
                self.log(
                    f"ig_steps: {steps} nodes give V within {error:.1%} of {most} nodes, "
                    f"its gradient with cosine {cosine:.3f}"
                )
                return steps
        self.log(f"ig_steps: no fewer than {most} nodes give V within 2 %")
        return most

    @staticmethod
    def _cosine(first: Tensor, second: Tensor) -> float:
        """The least over processes, each with a batch of its own, so that all choose alike."""
        cosine = float(torch.nn.functional.cosine_similarity(first, second, dim=0))
        return min(processes.gather_lists([cosine]))

    def _chosen_alpha(self, batches: Sequence[Inputs]) -> float:
        """alpha such that tanh(alpha * V) = 1/2 at the calibration batches' median V."""
        values = self._values(batches, max(self.penalty.steps, 20))
        median = float(np.median(values))
        if not (math.isfinite(median) and median > 0):
            raise NliError("alpha cannot be chosen: V is not positive", "give a number: --alpha 10")
        alpha = math.atanh(AUTO_SATURATION) / median
        late = self.fresh_head and self._start is not None
        when = f" before update {(self._start or 0) + 1}" if late else ""
        self.log(f"alpha: {alpha:.4g}, for V = {median:.4g} over {len(values)} batches{when}")
        return alpha
