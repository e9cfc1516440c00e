"""What every screen shares: the two chosen runs, the split, the filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nliexplorer.records import Run
from nliexplorer.store.filters import Filter

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Subset:
    """Some pairs picked on another screen that no filter says: `ids` of A's predictions."""

    name: str
    ids: Ids


@dataclass(frozen=True, slots=True)
class Selection:
    """The one state of the explorer; replaced, never changed."""

    a: Run | None = None
    b: Run | None = None
    split: str = ""
    filter: Filter = field(default_factory=Filter)
    subset: Subset | None = None

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(run for run in (self.a, self.b) if run)

    @property
    def splits(self) -> list[str]:
        """Splits of A, those that B has as well first."""
        if not self.a:
            return []
        both = self.b.metrics if self.b else {}
        return sorted(self.a.metrics, key=lambda split: (split not in both, _rank(split), split))

    def with_runs(self, a: Run | None, b: Run | None) -> Selection:
        """The selection for other runs: the split stays if A has it; run names in the filter
        that no longer mean anything are dropped."""
        chosen = replace(self, a=a, b=b if b and a and b.id != a.id else None)
        if not a or not self.a or a.id != self.a.id:
            chosen = replace(chosen, subset=None)
        if chosen.split not in chosen.splits:
            chosen = replace(chosen, split=next(iter(chosen.splits), ""))
        if not chosen.b:
            chosen = replace(chosen, filter=self.filter.without_other())
        return chosen


def _rank(split: str) -> int:
    return {"dev": 0, "validation": 1, "test": 2}.get(split, 3)


def opening_pair(runs: Sequence[Run]) -> tuple[Run | None, Run | None]:
    """The pair to show first: the newest penalised run as B and its baseline twin as A.

    Twins share data, model and seed. Without twins: the two newest runs with a common split.
    """
    done = [run for run in runs if run.metrics]
    for b in done:
        if b.objective != "ig-variance":
            continue
        for a in done:
            if a.objective == "baseline" and (a.data, a.model, a.seed) == (b.data, b.model, b.seed):
                return a, b
    for index, newer in enumerate(done):
        for older in done[index + 1 :]:
            if set(newer.metrics) & set(older.metrics):
                return older, newer
    first = done[0] if done else (runs[0] if runs else None)
    return first, None
