"""How many updates a run makes, and after which of them it evaluates and saves."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nliexplorer.config import TrainConfig


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
