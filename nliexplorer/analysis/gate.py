"""Conditions on differences between runs, so that a pipeline can refuse a worse model."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from nliexplorer.analysis.metric_specs import METRICS, SOFT_METRICS, spec_of
from nliexplorer.errors import NliError, unknown_name

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_BOUNDS = {"": "estimate", "low": "lower 95 % bound", "high": "upper 95 % bound"}
_CONDITION = re.compile(
    r"\s*(?P<metric>\w+)(?:\.(?P<bound>\w+))?\s*(?P<op><=|>=|<|>)\s*(?P<limit>[-+−]?[\d.]+)\s*"
)


class Difference(Protocol):
    """A metric's difference b - a with its 95 % interval, as fractions."""

    @property
    def name(self) -> str: ...
    @property
    def delta(self) -> float | None: ...
    @property
    def ci_low(self) -> float | None: ...
    @property
    def ci_high(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Condition:
    """`accuracy < -0.5`: met by a difference b - a below -0.5 points.

    `bound`: empty for the estimate, `low` or `high` for the ends of its 95 % interval. `limit` is
    in the unit that tables show: points for accuracy, AUC and ECE.
    """

    metric: str
    bound: str
    operator: str
    limit: float

    def __str__(self) -> str:
        name = f"{self.metric}.{self.bound}" if self.bound else self.metric
        return f"{name} {self.operator} {self.limit:g}"

    def failure(self, differences: Iterable[Difference]) -> str:
        """One line where a difference meets the condition, else "".

        Raises NliError where the figure it tests is not known.
        """
        difference = next((each for each in differences if each.name == self.metric), None)
        attribute = {"": "delta", "low": "ci_low", "high": "ci_high"}[self.bound]
        value = None if difference is None else getattr(difference, attribute)
        spec = spec_of(self.metric)
        if value is None:
            raise NliError(
                f"{self}: the {_BOUNDS[self.bound]} of {self.metric} is not known for these runs",
                "compare runs that have it: with probabilities, of several seeds, or on pairs that "
                "several annotators labelled",
            )
        shown = value * spec.factor
        if not _OPERATORS[self.operator](shown, self.limit):
            return ""
        return f"{self}: the {_BOUNDS[self.bound]} of B − A is {shown:+.{spec.digits}f}"


def parse_condition(text: str) -> Condition:
    """`METRIC[.low|.high] < NUMBER`, with <, <=, > or >=."""
    match = _CONDITION.fullmatch(text)
    try:
        limit = float((match["limit"] if match else "").replace("−", "-"))
    except ValueError:
        limit = None
    if match is None or limit is None:
        raise NliError(
            f"{text!r} is not a condition",
            "for example: 'accuracy < -0.5' or 'ece.low > 1'",
            "gate",
        )
    known = (*METRICS, *SOFT_METRICS)
    if match["metric"] not in known:
        raise unknown_name("metric", match["metric"], list(known))
    if (match["bound"] or "") not in _BOUNDS:
        raise unknown_name("bound", match["bound"], [name for name in _BOUNDS if name])
    return Condition(match["metric"], match["bound"] or "", match["op"], limit)
