"""Rows that were left out, counted by reason, with the first few line numbers of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

UNLABELLED = "no usable label"
#: Of pairs whose gold label is the annotators' majority.
TIED = "a tie among the annotators"
_SHOWN_LINES = 5


@dataclass
class Drops:
    """How many rows were dropped for each reason, with the first few line numbers."""

    counts: dict[str, int] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, reason: str, line: int) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        lines = self.lines.setdefault(reason, [])
        if len(lines) < _SHOWN_LINES:
            lines.append(line)

    @property
    def malformed(self) -> int:
        """Dropped rows other than those that are merely unlabelled."""
        return sum(
            count for reason, count in self.counts.items() if reason not in (UNLABELLED, TIED)
        )

    def describe(self) -> str:
        return describe_drops(self.counts, self.lines)


def describe_drops(counts: Mapping[str, int], lines: Mapping[str, Sequence[int]]) -> str:
    """`no usable label: 16 (line 3, 40, …)`, most frequent reason first."""
    parts = []
    for reason, count in sorted(counts.items(), key=lambda item: -item[1]):
        shown = lines.get(reason, ())
        numbers = ", ".join(map(str, shown)) + (", …" if count > len(shown) else "")
        parts.append(f"{reason}: {count} (line {numbers})" if shown else f"{reason}: {count}")
    return "; ".join(parts)
