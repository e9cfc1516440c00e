"""The filter bar's grammar.

gold:neutral pred:contradiction len:>30 len:10-20 conf:>=0.9 fixed-by:B wrong word "two words"
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from typing import Any

from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES, LABELS
from nliexplorer.store.filters.fields import FIELDS, Field, find_field
from nliexplorer.store.filters.filter import KEYWORDS, SORTS, Bound, Choice, Filter

_TOKEN = re.compile(r'([^\s":]+):("(?:[^"]|"")*"(?!\S)|\S+)?|"(?:[^"]|"")*"(?!\S)|\S+')
_NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_RANGE = re.compile(rf"(?P<op>>=|<=|>|<|=)?(?P<low>{_NUMBER})(?:-(?P<high>{_NUMBER}))?")
_HEX = re.compile(r"[0-9a-f]{1,16}")


class FilterError(NliError):
    """A filter that is not understood: `token` begins at `column` (from 0) of the text."""

    def __init__(self, message: str, hint: str, token: str, column: int) -> None:
        super().__init__(message, hint)
        self.token = token
        self.column = column


def parse_filter(text: str) -> Filter:
    """The Filter that the bar's text says; a later word for the same field wins.

    Raises FilterError with the place and a suggestion.
    """
    values: dict[str, Any] = {}
    search: list[str] = []
    bounds: dict[str, Bound] = {}
    choices: dict[str, Choice] = {}
    for match in _TOKEN.finditer(text):
        token, key, value = match.group(), match.group(1), match.group(2)
        try:
            if key is not None:
                _take(key, _unquoted(value or ""), values, search, bounds, choices)
            elif token.lower() in KEYWORDS:
                values["wrong"] = token.lower() == "wrong"
            else:
                _unquoted(token)
                search.append(token)
        except NliError as error:
            raise FilterError(error.message, error.hint, token, match.start()) from None
    if search:
        values["contains"] = " ".join(search)
    return Filter(**values, bounds=tuple(bounds.values()), choices=tuple(choices.values()))


def _take(
    key: str,
    value: str,
    values: dict[str, Any],
    search: list[str],
    bounds: dict[str, Bound],
    choices: dict[str, Choice],
) -> None:
    field = find_field(key)
    if field is None:
        names = [name for f in FIELDS.values() for name in (f.name, *f.aliases)]
        close = difflib.get_close_matches(key.lower(), names, 1)
        raise NliError(
            f"unknown field {key!r}",
            f"did you mean {close[0]}: ?"
            if close
            else f'fields: {", ".join(FIELDS)}; to search for it, quote it: "{key}:{value}"',
        )
    if not value:
        values_hint = f", for example {field.name}:{field.values[0]}" if field.values else ""
        raise NliError(f"{field.name}: lacks a value", f"{field.help}{values_hint}")
    if field.name == "text":
        search.append(value)
    elif field.sql:
        low, high = _numbers(field.name, value, float)
        old = bounds.get(field.name, Bound(field.name))
        bounds[field.name] = Bound(
            field.name, old.low if low is None else low, old.high if high is None else high
        )
    elif field.test:
        choices[field.name] = Choice(field.name, _word(field, value))
    elif field.name in ("len", "conf"):
        low, high = _numbers(field.name, value, int if field.name == "len" else float)
        name = "length" if field.name == "len" else "confidence"
        values |= {f"min_{name}": low} if low is not None else {}
        values |= {f"max_{name}": high} if high is not None else {}
    else:
        name, convert = _PLAIN[field.name]
        values[name] = convert(value)


def _word(field: Field, value: str) -> str:
    """One of the field's values, by its name or beginning; anything where the field is open."""
    if not field.closed:
        return value
    found = [each for each in field.values if each.startswith(value.lower())]
    if len(found) != 1:
        raise NliError(f"{field.name}:{value} is not known", f"one of: {', '.join(field.values)}")
    return found[0]


def parse_label(value: str, names: tuple[str, ...] = LABELS) -> int:
    """A label by name, beginning of its name, or number."""
    plain = value.strip().lower()
    found = [i for i, name in enumerate(names) if plain == name or plain == str(i)]
    found = found or [i for i, name in enumerate(names) if plain and name.startswith(plain)]
    if len(found) != 1:
        raise NliError(f"unknown label {value!r}", f"labels: {', '.join(names)}")
    return found[0]


def parse_gold(value: str) -> int:
    """As parse_label, with the gold label of two-label sets."""
    return parse_label(value, GOLD_NAMES)


def parse_sort(value: str) -> str:
    """A key of SORTS, its beginning accepted, with `-` for largest first."""
    sign, plain = ("-", value[1:]) if value.startswith("-") else ("", value)
    found = [name for name in SORTS if plain and name.startswith(plain.lower())]
    if len(found) != 1:
        hint = f"sort by {', '.join(SORTS)}; -{SORTS[1]} for largest first"
        raise NliError(f"cannot sort by {value!r}", hint)
    return sign + found[0]


def parse_example(value: str) -> str:
    """The beginning of an example id."""
    if not _HEX.fullmatch(value.lower()):
        raise NliError(f"{value!r} is no example id", "an id is up to 16 of 0-9 and a-f")
    return value.lower()


def _limit(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise NliError(f"limit:{value} is not understood", "limit: takes a whole number")
    return int(value)


_PLAIN: dict[str, tuple[str, Callable[[str], Any]]] = {
    "gold": ("gold", parse_gold),
    "pred": ("predicted", parse_label),
    "fixed-by": ("fixed_by", str),
    "broken-by": ("broken_by", str),
    "tag": ("tag", str),
    "id": ("example", parse_example),
    "sort": ("sort", parse_sort),
    "limit": ("limit", _limit),
}


def _numbers(
    name: str, value: str, kind: type[int] | type[float]
) -> tuple[float | None, float | None]:
    """`12`, `10-20`, `>30`, `<=0.5` as inclusive (low, high)."""
    match = _RANGE.fullmatch(value)
    if not match or (match["op"] and match["high"]):
        raise NliError(
            f"{name}:{value} is not understood", f"say {name}:>3, {name}:<=3 or {name}:1-3"
        )
    low = _number(name, match["low"], kind)
    if match["high"] is not None:
        return low, _number(name, match["high"], kind)
    above = low + 1 if kind is int else math.nextafter(low, math.inf)  # strict, made inclusive
    below = low - 1 if kind is int else math.nextafter(low, -math.inf)
    return {
        ">": (above, None),
        ">=": (low, None),
        "<": (None, below),
        "<=": (None, low),
    }.get(match["op"] or "=", (low, low))


def _number(name: str, text: str, kind: type[int] | type[float]) -> float:
    number = float(text)
    if abs(number) > 1e15 or (kind is int and not number.is_integer()):
        what = "a whole number" if kind is int else "a number in range"
        raise NliError(f"{name}: {text} is not {what}", f"for example {name}:>{kind('3')}")
    return kind(number)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    if len(value) < 2 or not value.endswith('"'):
        raise NliError("a quotation mark is open", 'close it: "two words"')
    return value[1:-1].replace('""', '"')
