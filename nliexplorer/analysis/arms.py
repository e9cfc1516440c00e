"""Arms of a study over their seeds: means, and differences from another arm seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nliexplorer.analysis.intervals import mean_t_interval
from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.analysis.seeds import benjamini_hochberg, compare_groups
from nliexplorer.analysis.verdict import ALPHA, verdict

#: (set, metric) -> value of one run; the set is empty for what is of the run itself.
Values = Mapping[tuple[str, str], float]
#: Metrics whose differences are tests of the study's question, adjusted together.
TESTED = "accuracy"


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One metric of one arm on one set; differences are of the seeds that both arms have.

    `half`: of the mean's 95 % t-interval. `q`: p adjusted by Benjamini–Hochberg over its `family`,
    all accuracies of the study's part. `n`: pairs of the set, None for what is of the run itself.
    """

    arm: str
    against: str
    set: str
    metric: str
    n: int | None
    seeds: tuple[int, ...]
    mean: float
    half: float | None
    delta: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p: float | None = None
    q: float | None = None
    family: int | None = None

    @property
    def claimed(self) -> bool:
        """Whether the difference stays significant after adjusting for all comparisons."""
        return self.verdict != 0 and self.q is not None and self.q <= ALPHA

    @property
    def verdict(self) -> int:
        """1 where the interval of the difference says better, -1 worse, 0 neither.

        Of what has no better or worse, 1 says more and -1 less.
        """
        lower = spec_of(self.metric).lower_is_better
        return verdict(self.ci_low, self.ci_high, lower_is_better=lower, p=self.p)

    def as_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {"seeds": list(self.seeds)}


def arm_rows(
    arm: str,
    runs: Mapping[int, Values],
    against: str = "",
    reference: Mapping[int, Values] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> list[ArmRow]:
    """Every metric of an arm's runs (seed -> values), over those that have it."""
    rows = []
    for place, metric in dict.fromkeys(key for each in runs.values() for key in each):
        values = {seed: v[place, metric] for seed, v in runs.items() if (place, metric) in v}
        mean, half = mean_t_interval(list(values.values()))
        n = (sizes or {}).get(place)
        row = ArmRow(arm, against, place, metric, n, tuple(values), mean, half)
        rows.append(_compared(row, runs, reference or {}))
    return rows


def _compared(row: ArmRow, runs: Mapping[int, Values], reference: Mapping[int, Values]) -> ArmRow:
    key = (row.set, row.metric)
    shared = [seed for seed in row.seeds if key in reference.get(seed, {})]
    if not shared:
        return row
    pair = ([reference[seed][key] for seed in shared], [runs[seed][key] for seed in shared])
    (difference,) = compare_groups({row.metric: pair}, (shared, shared))
    return replace(
        row,
        delta=difference.delta,
        ci_low=difference.ci_low,
        ci_high=difference.ci_high,
        p=difference.p,
    )


def adjusted(rows: Sequence[ArmRow]) -> tuple[ArmRow, ...]:
    """The same rows, `q` and its family put in where an accuracy was tested."""
    tested = [row for row in rows if row.metric == TESTED and row.p is not None]
    q = dict(zip(map(id, tested), benjamini_hochberg([r.p or 0.0 for r in tested]), strict=True))
    return tuple(
        replace(row, q=float(q[id(row)]), family=len(tested)) if id(row) in q else row
        for row in rows
    )
