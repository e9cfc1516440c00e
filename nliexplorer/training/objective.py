"""lambda * tanh(alpha * V): its slope, its running mean, and the choice of alpha and steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from nliexplorer import processes
from nliexplorer.errors import NliError
from nliexplorer.training.path_penalty import PathPenalty, Share
from nliexplorer.training.plan import Plan

#: tanh(alpha * V) that `alpha = "auto"` aims at: half way, where the slope is 3/4 of its largest.
AUTO_SATURATION = 0.5
#: A run is called saturated where tanh is above this (slope below 0.44) in most of its updates.
SATURATED = 0.75
#: Nodes of the reference that `ig_steps = "auto"` is held against, and the error it may have.
REFERENCE_STEPS, STEPS_TOLERANCE = 50, 0.02
_CANDIDATES = (3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40)
_DECAY = 0.9
#: A fresh model has learnt once the running mean of its loss is this part of that of the first
#: `_FIRST` updates; alpha is chosen then.
LEARNT, _FIRST = 0.8, 10
_DELTA_EVERY = 25  # updates between two looks at completeness, which cost two forwards


@dataclass(frozen=True, slots=True)
class PenaltyState:
    """The penalty of one update, V known over all its pairs."""

    variance: float
    saturation: float  # tanh(alpha * V)
    penalty: float  # lambda * tanh(alpha * V)
    factor: float  # d penalty / d V = lambda * alpha * sech^2(alpha * V)


class RegularisedLoss:
    """The penalty side of the objective over a whole run.

    Where V is an unbiased but noisy estimate (`pairs`, a part of the batch), tanh of it would be
    biased: the slope is then taken at a running mean of V over updates (decay 0.9), and the
    penalty and saturation reported are those of the running mean.
    """

    def __init__(self, path: PathPenalty, plan: Plan, log: Callable[[str], None]) -> None:
        self.path = path
        self.plan = plan
        self.log = log
        self.alpha: float | None = None if plan.config.alpha == "auto" else plan.config.alpha
        self.running: float | None = None
        self.saturations: list[float] = []
        self.batches: Sequence[dict[str, Any]] = ()
        self._start: int | None = None  # the first penalised update
        self._entropies: list[float] = []  # the first ones, then their running mean
        self._steps_chosen_at = -1

    @property
    def parameters(self) -> list[nn.Parameter]:
        return self.path.parameters

    def active(self, update: int) -> bool:
        """Whether this update is penalised; chooses what is `auto` when its time has come."""
        if self._start is None:
            if not self._ready(update):
                return False
            self._start = update
        active = self.plan.weight(update, self._start) > 0
        if active:
            self._choose(update)
        return active

    def saw(self, entropy: float) -> None:
        """An update's mean cross-entropy, over all processes: whether a fresh model has learnt."""
        if self._start is None:
            if len(self._entropies) <= _FIRST:
                self._entropies.append(entropy)
            else:
                self._entropies[-1] += (1 - _DECAY) * (entropy - self._entropies[-1])

    def _ready(self, update: int) -> bool:
        earliest, latest = self.plan.calibrate_between
        if not earliest <= update < latest:
            return update >= latest
        first, now = self._entropies[:_FIRST], self._entropies[-1]
        return len(self._entropies) > _FIRST and now <= LEARNT * float(np.mean(first))

    def share(self, inputs: dict[str, Any], update: int, micro: int) -> Share:
        draw = (self.plan.config.seed, update, micro, processes.rank_and_world()[0])
        return self.path.share(inputs, draw, with_delta=update % _DELTA_EVERY == 0 and micro == 0)

    def settle(self, variance: float, update: int) -> PenaltyState:
        """The update's penalty, given V over all of it."""
        at = variance
        if self.path.is_random:
            old = self.running
            self.running = variance if old is None else _DECAY * old + (1 - _DECAY) * variance
            at = max(0.0, self.running)  # an unbiased estimate may fall below 0, V may not
        alpha, weight = self.alpha or 0.0, self.plan.weight(update, self._start or 0)
        saturation = math.tanh(alpha * at)
        self.saturations.append(saturation)
        return PenaltyState(
            variance, saturation, weight * saturation, weight * alpha * (1 - saturation**2)
        )

    def summary(self) -> dict[str, Any]:
        """What to keep of the penalty with the run."""
        mean = float(np.mean(self.saturations)) if self.saturations else None
        share = float(np.mean(np.asarray(self.saturations) > SATURATED)) if mean is not None else 0
        return {
            "alpha": self.alpha,
            "ig_steps": self.path.steps,
            "mean_saturation": mean,
            "saturated": share > 0.5,
        }

    def state(self) -> dict[str, Any]:
        """What a checkpoint must carry so that a resumed run goes on alike."""
        return {
            "alpha": self.alpha,
            "steps": self.path.steps,
            "running": self.running,
            "saturations": self.saturations,
            "steps_chosen_at": self._steps_chosen_at,
            "start": self._start,
            "entropies": self._entropies,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.alpha, self.running = state["alpha"], state["running"]
        self.path.steps = int(state["steps"])
        self.saturations = list(state["saturations"])
        self._steps_chosen_at = int(state["steps_chosen_at"])
        # checkpoints of earlier versions: what was chosen was in force
        self._start = state.get("start", None if self.alpha is None else 0)
        self._entropies = list(state.get("entropies", ()))

    def _choose(self, update: int) -> None:
        due = self._steps_chosen_at < 0 or self._steps_chosen_at < self.plan.again_at <= update
        if self.path.chooses_steps and due:
            self._steps_chosen_at = update
            self.path.steps = self._fewest_steps()
        if self.alpha is None:
            self.alpha = self._chosen_alpha()

    def _mean_value(self, steps: int) -> float:
        values = [self.path.value(inputs, steps).double().mean() for inputs in self.batches]
        return float(sum(values) / len(values))

    def _fewest_steps(self) -> int:
        """The fewest nodes whose V is within 2 % of 50 nodes on the calibration batches."""
        reference = self._mean_value(REFERENCE_STEPS)
        for steps in _CANDIDATES:
            error = abs(self._mean_value(steps) - reference) / max(abs(reference), 1e-12)
            if error <= STEPS_TOLERANCE:
                self.log(f"ig_steps: {steps} nodes give V within {error:.1%} of 50 nodes")
                return steps
        self.log(f"ig_steps: no fewer than {REFERENCE_STEPS} nodes give V within 2 %")
        return REFERENCE_STEPS

    def _chosen_alpha(self) -> float:
        """alpha such that tanh(alpha * V) = 1/2 at the calibration batches' median V."""
        steps = max(self.path.steps, 20)
        values = [float(self.path.value(inputs, steps).double().mean()) for inputs in self.batches]
        middle = float(np.median(values))
        if not (math.isfinite(middle) and middle > 0):
            raise NliError("alpha cannot be chosen: V is not positive", "give a number: --alpha 10")
        alpha = math.atanh(AUTO_SATURATION) / middle
        at = (
            ""
            if self._start is None or not self.plan.fresh
            else f" before update {self._start + 1}"
        )
        self.log(f"alpha: {alpha:.4g}, for V = {middle:.4g} over {len(values)} batches{at}")
        return alpha
