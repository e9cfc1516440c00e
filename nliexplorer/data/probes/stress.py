"""Stress tests: pairs of another set with a tautology put on that changes no label (Naik et al.
2018)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nliexplorer.records import Example

_TRUE, _NOT_FALSE = "true is true", "false is not true"
_TIMES = 5


def less_overlap(example: Example) -> Example:
    """A tautology behind the hypothesis: a smaller share of its words stands in the premise."""
    return replace(example, hypothesis=_with(example.hypothesis, _TRUE))


def negation(example: Example) -> Example:
    """A negated tautology behind the hypothesis."""
    return replace(example, hypothesis=_with(example.hypothesis, _NOT_FALSE))


def length(example: Example) -> Example:
    """Five tautologies behind the premise."""
    return replace(example, premise=_with(example.premise, " and ".join([_TRUE] * _TIMES)))


def _with(text: str, tautology: str) -> str:
    """ "… runs." -> "… runs and true is true." """
    body = text.rstrip()
    end = body[len(body.rstrip(".!? ")) :]
    return f"{body[: len(body) - len(end)]} and {tautology}{end}"


STRESS: dict[str, tuple[str, Callable[[Example], Example]]] = {
    "stress-overlap": ("stress test of word overlap", less_overlap),
    "stress-negation": ("stress test of negation", negation),
    "stress-length": ("stress test of length", length),
}
