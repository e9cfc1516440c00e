"""The Filter itself, and the two texts that say the same: the filter bar's and the shell's."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass, fields, replace

from nliexplorer.records import GOLD_NAMES, LABELS

#: Keys of `sort`; with a leading `-`, largest first.
SORTS: tuple[str, ...] = ("position", "confidence", "length")
DEFAULT_SORT = "position"
#: Bare words of the bar with a meaning; as text to search they need `text:`.
KEYWORDS = ("wrong", "right")

_TERM = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_BARE = re.compile(r'[^\s":]+')


@dataclass(frozen=True, slots=True)
class Bound:
    """low <= field <= high for a registered numeric field (see `fields.FIELDS`)."""

    field: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """field is value, for a registered field of words (see `fields.FIELDS`)."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Pairs of one evaluation; None and empty mean "any". Labels as in records.

    `wrong`: True for errors, False for right answers. Lengths and confidences are inclusive.
    `fixed_by` / `broken_by`: a run (id, prefix, name) that is right here where this one is wrong /
    wrong where this one is right. `contains`: words, each found by its beginning, and "phrases",
    all of which must occur. `example`: beginning of an example id.
    """

    gold: int | None = None
    predicted: int | None = None
    wrong: bool | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    fixed_by: str | None = None
    broken_by: str | None = None
    contains: str | None = None
    tag: str | None = None
    example: str | None = None
    bounds: tuple[Bound, ...] = ()
    choices: tuple[Choice, ...] = ()
    sort: str = DEFAULT_SORT
    limit: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it lets every pair through (sort and limit aside)."""
        return replace(self, sort=DEFAULT_SORT, limit=None) == Filter()

    def registered(self) -> set[str]:
        """The registered fields that it speaks of."""
        return {each.field for each in self.bounds} | {each.field for each in self.choices}

    def terms(self) -> list[tuple[str, bool]]:
        """Parts of `contains` as (text, whether it is a phrase)."""
        return [
            (word, False) if word else (phrase.replace('""', '"'), True)
            for phrase, word in _TERM.findall(self.contains or "")
        ]

    def to_text(self) -> str:
        """The filter-bar text; `parse_filter` gives the filter back."""
        parts = [] if self.wrong is None else ["wrong" if self.wrong else "right"]
        if self.gold is not None:
            parts.append(f"gold:{GOLD_NAMES[self.gold]}")
        if self.predicted is not None:
            parts.append(f"pred:{LABELS[self.predicted]}")
        parts += _range_text("len", self.min_length, self.max_length)
        parts += _range_text("conf", self.min_confidence, self.max_confidence)
        for bound in self.bounds:
            parts += _range_text(bound.field, bound.low, bound.high)
        parts += [_choice_text(choice) for choice in self.choices]
        for key, value in (
            ("fixed-by", self.fixed_by),
            ("broken-by", self.broken_by),
            ("tag", self.tag),
            ("id", self.example),
        ):
            if value is not None:
                parts.append(f"{key}:{_quoted(value)}")
        if self.sort != DEFAULT_SORT:
            parts.append(f"sort:{self.sort}")
        if self.limit is not None:
            parts.append(f"limit:{self.limit}")
        if self.contains is not None:
            parts.append(_contains_text(self.contains))
        return " ".join(parts)

    def to_command(self, run: str, command: str = "examples", split: str | None = None) -> str:
        """The shell command that lists the same pairs."""
        words = ["nliexplorer", command, run]
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or (field.name == "sort" and value == DEFAULT_SORT):
                continue
            words += _flags(field.name, value)
        if split:
            words += [f"--split={split}"]
        return shlex.join(words)


EVERYTHING = Filter()


def _flags(name: str, value: object) -> list[str]:
    if name == "wrong":
        return ["--wrong" if value else "--right"]
    if name == "bounds":
        assert isinstance(value, tuple)
        texts = [text for b in value for text in _range_text(b.field, b.low, b.high)]
        return [f"--where={text}" for text in texts]
    if name == "choices":
        assert isinstance(value, tuple)
        return [f"--where={_choice_text(choice)}" for choice in value]
    if name in ("gold", "predicted"):
        assert isinstance(value, int)
        value = GOLD_NAMES[value]
    flag = "id" if name == "example" else name.replace("_", "-")
    return [f"--{flag}={value}"]  # one word: a value may begin with a dash


def _range_text(key: str, low: float | None, high: float | None) -> list[str]:
    parts = [] if low is None else [f"{key}:>{_bound_text(low, math.inf)}"]
    return parts if high is None else [*parts, f"{key}:<{_bound_text(high, -math.inf)}"]


def _bound_text(value: float, inward: float) -> str:
    """What follows `>` or `<`: `=0.9`, or `0.9` where the value is the next float inward of it."""
    if isinstance(value, float):
        for short in (float(f"{value:.6g}"), 0.0):
            if short != value and math.nextafter(short, inward) == value:
                return repr(short)
    return f"={value!r}"


def _choice_text(choice: Choice) -> str:
    return f"{choice.field}:{_quoted(choice.value)}"


def _quoted(value: str) -> str:
    if value and not re.search(r'[\s"]', value):
        return value
    return '"' + value.replace('"', '""') + '"'


def _contains_text(contains: str) -> str:
    """As typed where the bar reads it so again, else behind `text:`."""
    matches = list(_TERM.finditer(contains))
    free = all(
        match.group(2) is None  # a closed phrase
        or (_BARE.fullmatch(match.group(2)) and match.group(2).lower() not in KEYWORDS)
        for match in matches
    )
    again = " ".join(match.group() for match in matches)
    return contains if matches and free and again == contains else f"text:{_quoted(contains)}"
