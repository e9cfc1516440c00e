"""Where training reports to; the trainer knows this protocol, not the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from nliexplorer.records import Metrics, StepRecord

if TYPE_CHECKING:
    from nliexplorer.training.dynamics import DynamicsBatch


class RunSink(Protocol):
    """Receives the events of a run while it trains; only the main process calls it.

    After a resume, steps since the last checkpoint come again under the same number: replace them.
    """

    def on_start(self, updates: int) -> None:
        """So many updates are planned."""

    def on_step(self, step: StepRecord) -> None:
        """One optimiser update is done."""

    def on_evaluation(self, step: int, epoch: float, metrics: Metrics) -> None:
        """The dev set was evaluated after update `step`."""

    def on_dynamics(self, batch: DynamicsBatch) -> None:
        """P(gold) of some training rows in an epoch; in parts, before every checkpoint."""

    def on_log(self, text: str) -> None:
        """Something worth keeping was decided or noticed."""


class NullSink:
    """Keeps nothing."""

    def on_start(self, updates: int) -> None:
        pass

    def on_step(self, step: StepRecord) -> None:
        pass

    def on_evaluation(self, step: int, epoch: float, metrics: Metrics) -> None:
        pass

    def on_dynamics(self, batch: DynamicsBatch) -> None:
        pass

    def on_log(self, text: str) -> None:
        pass
