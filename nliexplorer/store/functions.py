"""Python functions registered in SQLite: word facts, searches, and missing built-ins."""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from nliexplorer.annotators import SHARES, entropy, human_distribution, majority, share_of
from nliexplorer.errors import NliError
from nliexplorer.wording import has_negation, lexical_overlap

if TYPE_CHECKING:
    from regex import Pattern

Value = TypeVar("Value")

#: Seconds that a regular expression may take on one text, and on all texts of a query.
REGEX_SECONDS, REGEX_QUERY_SECONDS = 0.1, 20.0
#: sqlite3's message when one of these functions fails; only a regular expression can.
FUNCTION_FAILED = "user-defined function raised exception"


def add_functions(connection: sqlite3.Connection) -> RegexClock:
    """Adds them all; the clock bounds what regular expressions take.

    `word_overlap(premise, hypothesis)`, `negated(text)`, `square_root(x)`, `negative_log(p)`,
    `as_number(value)`, `has_text(text, part)`, `has_match(text, pattern)`,
    `merged_columns(old, new)`; of `(annotator_labels, extra)` `annotator_share(…, label)`,
    `annotator_entropy`, `annotator_majority`.
    """
    clock = RegexClock()
    for name, arguments, function in (
        ("word_overlap", 2, _unless_damaged(lexical_overlap, 0.0)),
        ("negated", 1, _unless_damaged(has_negation, False)),
        ("square_root", 1, _square_root),
        ("negative_log", 1, _negative_log),
        ("as_number", 1, _as_number),
        ("has_text", 2, _has_text),
        ("has_match", 2, clock.has_match),
        ("merged_columns", 2, _merged_columns),
        ("annotator_share", 3, _unless_damaged(_annotator_share, None)),
        ("annotator_entropy", 2, _unless_damaged(_annotator_entropy, None)),
        ("annotator_majority", 2, _unless_damaged(_annotator_majority, None)),
    ):
        connection.create_function(name, arguments, function, deterministic=True)
    return clock


class RegexClock:
    """Regular expressions with a time limit: patterns such as `(a+)+$` can take for ever."""

    def __init__(self) -> None:
        self._left = REGEX_QUERY_SECONDS

    def restart(self) -> None:
        """A new query begins."""
        self._left = REGEX_QUERY_SECONDS

    def has_match(self, text: str | None, pattern: str) -> bool:
        """Whether the pattern matches in the text, whatever the case. May raise TimeoutError."""
        if text is None:
            return False
        start = time.perf_counter()
        try:
            limit = min(REGEX_SECONDS, max(self._left, 1e-3))
            return _compiled(pattern).search(text, timeout=limit) is not None
        finally:
            self._left -= time.perf_counter() - start
            if self._left < 0:
                raise TimeoutError


def check_regex(pattern: str) -> None:
    """Raises NliError for an invalid pattern."""
    import regex

    try:
        _compiled(pattern)
    except regex.error as error:
        raise NliError(
            f"/{pattern}/ is not a regular expression: {error}", r"for example /\bnot\b/"
        ) from None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Pattern[str]:
    import regex  # takes 20 ms, needed by regular expressions only

    return regex.compile(pattern, regex.IGNORECASE | regex.VERSION0)


def _unless_damaged(function: Callable[..., Value], default: Value) -> Callable[..., Value]:
    """The function; the default for values that only damage leaves, so that a row of them stops no
    upgrade and no rescue.
    """

    def value(*arguments: Any) -> Value:
        try:
            return function(*arguments)
        except (AttributeError, LookupError, TypeError, ValueError):
            return default

    return value


def _square_root(value: float | None) -> float | None:
    return None if value is None else math.sqrt(value)


def _negative_log(probability: float | None) -> float | None:
    """-ln p in nats, of 0 that of the smallest positive number."""
    return None if probability is None else -math.log(max(probability, 5e-324))


def _as_number(value: object) -> float | None:
    """A number, or a text that is one."""
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def distribution_from(votes: str | None, columns: str | None) -> tuple[float, ...] | None:
    """The share of each label by a pair's `annotator_labels` and `extra`, JSON as stored."""
    if votes is None and (columns is None or SHARES not in columns):
        return None
    extra = json.loads(columns) if columns and SHARES in columns else {}
    return human_distribution(json.loads(votes) if votes else (), extra)


def _annotator_share(votes: str | None, columns: str | None, label: int | None) -> float | None:
    shares = distribution_from(votes, columns)
    return None if shares is None or label is None else share_of(shares, label)


def _annotator_entropy(votes: str | None, columns: str | None) -> float | None:
    shares = distribution_from(votes, columns)
    return None if shares is None else entropy(shares)


def _annotator_majority(votes: str | None, columns: str | None) -> int | None:
    shares = distribution_from(votes, columns)
    return None if shares is None else majority(shares)


def _merged_columns(old: str | None, new: str | None) -> str | None:
    """Two JSON objects of one pair's columns; where both have a column and differ, the new value is
    `NAME.2`, `NAME.3`, …, so that neither source's is lost.
    """
    if old is None or new is None or old == new:
        return old if new is None else new
    merged = json.loads(old)
    for name, value in json.loads(new).items():
        key, number = name, 1
        while key in merged and merged[key] != value:
            number += 1
            key = f"{name}.{number}"
        merged[key] = value
    return json.dumps(merged, ensure_ascii=False, separators=(",", ":"))


def _has_text(text: str | None, part: str) -> bool:
    """Whether `part` occurs in the text, whatever the case."""
    return text is not None and part.casefold() in text.casefold()
