"""The state shared by all screens: runs A and B, split, filter, and the history of places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nliexplorer.comparison.groups import Arm
from nliexplorer.records import Run
from nliexplorer.store.filters import Filter

Ids = NDArray[np.int64]
#: How many places the history keeps.
MOST_PLACES = 100


@dataclass(frozen=True, slots=True, eq=False)
class Subset:
    """Pairs picked on another screen that no filter can describe: `ids` of A's predictions."""

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
    others: tuple[Run, ...] = ()  # C, D and so on: shown beside A and B
    arm_a: Arm | None = None  # where A, or B, stands for its arm
    arm_b: Arm | None = None

    @property
    def arms(self) -> tuple[Arm, Arm] | None:
        """Both arms, where A and B both stand for one."""
        return (self.arm_a, self.arm_b) if self.arm_a and self.arm_b else None

    @property
    def all_runs(self) -> tuple[Run, ...]:
        """A, B and the others; the others need a B."""
        return (*self.runs, *self.others) if self.b else self.runs

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(run for run in (self.a, self.b) if run)

    @property
    def pairs(self) -> int:
        """How many pairs A's split has; 0 without a run."""
        metrics = self.a.metrics.get(self.split) if self.a else None
        return metrics.n if metrics else 0

    @property
    def scope(self) -> tuple[object, ...]:
        """All that figures depend on: runs, split, filter, subset."""
        return (self.all_runs, self.split, self.full_filter, self.subset, self.arms)

    @property
    def full_filter(self) -> Filter:
        """The filter with the runs that it refers to: `b.conf` of B, `disagree` of all marked."""
        if not self.filter.asks_other:
            return self.filter
        return self.filter.against(*(run.name for run in self.all_runs[1:]))

    @property
    def is_whole(self) -> bool:
        """Whether every pair of the split is selected."""
        return self.filter.is_empty and self.filter.limit is None and self.subset is None

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
        new = replace(self, a=a, b=b if b and a and b.id != a.id else None)
        taken = {run.id for run in (a, b) if run}
        new = replace(new, others=tuple(run for run in self.others if run.id not in taken))
        if not a or not self.a or a.id != self.a.id:
            new = replace(new, subset=None)
        new = replace(
            new,
            arm_a=self.arm_a if self.arm_a and self.arm_a.holds(a) else None,
            arm_b=self.arm_b if self.arm_b and self.arm_b.holds(b) else None,
        )
        if new.split not in new.splits:
            new = replace(new, split=next(iter(new.splits), ""))
        if not new.b:
            new = replace(new, filter=self.filter.without_other())
        return new

    def refreshed(self, runs: Sequence[Run]) -> Selection:
        """The same selection with the runs as they are now; a deleted B is dropped."""
        by_id = {run.id: run for run in runs}
        a, b = (by_id.get(run.id) if run else None for run in (self.a, self.b))
        others = tuple(by_id[run.id] for run in self.others if run.id in by_id)
        arms = (self.arm_a, self.arm_b if b else None)
        arm_a, arm_b = (arm and _refreshed(arm, by_id) for arm in arms)
        return replace(self, a=a or self.a, b=b, others=others, arm_a=arm_a, arm_b=arm_b)


def _refreshed(arm: Arm, runs: Mapping[str, Run]) -> Arm | None:
    left = Arm(arm.name, tuple(runs[run.id] for run in arm.runs if run.id in runs))
    return left if len(left.runs) > 1 else None


@dataclass(frozen=True, slots=True)
class Place:
    """A screen with its selection and, where pairs are listed, the pair in view."""

    mode: str
    selection: Selection
    example_id: str = ""


@dataclass(slots=True)
class History:
    """Places visited, as in a browser."""

    back: list[Place] = field(default_factory=list)
    forward: list[Place] = field(default_factory=list)

    def leave(self, place: Place) -> None:
        """Remember the place that is left for a new one."""
        self.back.append(place)
        self.forward.clear()
        del self.back[:-MOST_PLACES]

    def step(self, current: Place, direction: int) -> Place | None:
        """Go back (-1) or forward (1) from `current`; None at the end."""
        source, target = (self.back, self.forward) if direction < 0 else (self.forward, self.back)
        if not source:
            return None
        target.append(current)
        return source.pop()


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
