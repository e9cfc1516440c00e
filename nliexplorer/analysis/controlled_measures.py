"""A measure of an attribution method beside its random control, on the same pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nliexplorer.analysis.intervals import mean_t_interval
from nliexplorer.analysis.verdict import BETTER, verdict


@dataclass(frozen=True, slots=True)
class Measure:
    """Means over `n` pairs with half-widths of 95 % t-intervals (None for fewer than two).

    `delta` = value - control, its interval over the same pairs. Without a control they are None.
    """

    name: str
    higher_is_better: bool
    n: int
    value: float | None
    half: float | None
    control: float | None = None
    control_half: float | None = None
    delta: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    values: tuple[float | None, ...] = field(default=(), repr=False)  # pair by pair, of the method

    @property
    def beats_control(self) -> bool | None:
        """Whether the interval of the difference lies on the better side; None without one."""
        return None if self.ci_low is None else self.verdict == BETTER

    @property
    def verdict(self) -> int:
        """1 where the method is better than its control, -1 worse, 0 undecided."""
        return verdict(self.ci_low, self.ci_high, lower_is_better=not self.higher_is_better)

    def as_dict(self) -> dict[str, Any]:
        names = [name for name in self.__dataclass_fields__ if name != "values"]
        plain = {name: getattr(self, name) for name in names}
        return plain | {"beats_control": self.beats_control}


def measure(
    name: str,
    values: Sequence[float | None],
    control: Sequence[float | None] | None = None,
    *,
    higher_is_better: bool = True,
) -> Measure:
    """`values` and `control` pair by pair; pairs where either is undefined are left out."""
    if control is None:
        defined = [value for value in values if value is not None]
        mean, half = _mean(defined)
        return Measure(name, higher_is_better, len(defined), mean, half, values=tuple(values))
    both = [
        (value, other)
        for value, other in zip(values, control, strict=True)
        if value is not None and other is not None
    ]
    mean, half = _mean([value for value, _ in both])
    other_mean, other_half = _mean([other for _, other in both])
    delta, reach = _mean([value - other for value, other in both])
    low = high = None
    if delta is not None and reach is not None:
        low, high = delta - reach, delta + reach
    return Measure(
        name,
        higher_is_better,
        len(both),
        mean,
        half,
        other_mean,
        other_half,
        delta,
        low,
        high,
        tuple(values),
    )


def compare_measures(a: Sequence[Measure], b: Sequence[Measure]) -> tuple[Measure, ...]:
    """Each measure of b with that of a as its control, pair by pair; both of the same pairs.

    A measure that was taken of other pairs in one of them is left out.
    """
    of_a = {each.name: each for each in a}
    return tuple(
        measure(
            each.name,
            each.values,
            of_a[each.name].values,
            higher_is_better=each.higher_is_better,
        )
        for each in b
        if each.name in of_a and len(of_a[each.name].values) == len(each.values)
    )


def _mean(values: Sequence[float]) -> tuple[float | None, float | None]:
    return mean_t_interval(values) if values else (None, None)
