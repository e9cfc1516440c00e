"""How many updates a run makes, and at which of them something happens."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nliexplorer.config import TrainConfig

#: Parts of the updates: before the first `alpha = "auto"` never looks at a fresh model, and at the
#: second it waits no longer for one to learn.
AUTO_WARMUP, AUTO_LATEST = 0.1, 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """Counts of one run; all in optimiser updates unless named otherwise."""

    config: TrainConfig
    pairs: int
    world: int
    fresh: bool  # the head has learnt nothing yet

    @property
    def pairs_per_update(self) -> int:
        return self.config.batch_size * self.config.accumulation * self.world

    @property
    def updates_per_epoch(self) -> int:
        batches = math.ceil(self.pairs / self.config.batch_size)
        return math.ceil(math.ceil(batches / self.world) / self.config.accumulation)

    @property
    def updates(self) -> int:
        """All updates: `max_steps` where given, else by epochs; at least one."""
        by_epochs = math.ceil(self.config.epochs * self.updates_per_epoch)
        return max(1, self.config.max_steps or by_epochs)

    @property
    def eval_every(self) -> int:
        return max(1, round(self.config.eval_every * self.updates_per_epoch))

    @property
    def warmup(self) -> int:
        return math.ceil(self.config.warmup_ratio * self.updates)

    @property
    def calibrate_between(self) -> tuple[int, int]:
        """The first and last update before which alpha may be chosen.

        Never on a random head, whose V says nothing: it is a thousandth of what it will be.
        """
        if self.config.alpha != "auto" or not self.fresh:
            return 0, 0
        return math.ceil(AUTO_WARMUP * self.updates), math.ceil(AUTO_LATEST * self.updates)

    @property
    def again_at(self) -> int:
        """The update before which `ig_steps = "auto"` looks again, a fresh model having learnt."""
        return math.ceil(AUTO_WARMUP * self.updates) if self.fresh else 0

    def weight(self, update: int, start: int = 0) -> float:
        """lambda at `update` (from 0), ramped up over `penalty_warmup` from `start` on."""
        ramp = self.config.penalty_warmup * self.updates
        part = min(1.0, (update - start + 1) / ramp) if ramp >= 1 else 1.0
        return self.config.lambda_ * part
