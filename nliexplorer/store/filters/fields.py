"""The registry of fields: each is one entry, which grammar, options, help, completion and SQL read.

A new field is one `register(Field(...))`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Literal, NamedTuple

from nliexplorer.errors import NliError
from nliexplorer.store.filters.nodes import Match, Range, Value

#: number, whole: ranges. choice: one of `values`. word: any text, as a whole. prefix: an example
#: id. run: another run. search: words, phrases, regular expressions. any: a word or a number.
#: setting: what is listed how, not which pairs.
Kind = Literal["number", "whole", "choice", "word", "prefix", "run", "search", "any", "setting"]

OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    "number": (">", ">=", "<", "<=", "A-B", "A,B"),
    "whole": (">", ">=", "<", "<=", "A-B", "A,B"),
    "choice": ("A", "A,B"),
    "word": ("A", '"A B"', "A,B"),
    "prefix": ("A", "A,B"),
    "run": ("A", "A,B"),
    "search": ("word", '"two words"', "/regex/"),
    "any": ("A", "A,B", ">", ">=", "<", "<=", "A-B"),
    "setting": (),
}
_COMPARED = (">=", "<=", ">", "<")


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A `name:value` of the filter language.

    `sql`: an expression (number, whole, any, a choice with `codes`) or a condition on `{value}`,
    over the row `{p}` of predictions, or, `of_pair`, of examples; `conditions`: one for each value
    of a choice. Further slots:
    `{run}` the run's id; `{other}` the evaluation of the other run (`b:RUN`); `{others}` the JSON
    list of those of all other runs; `{counterpart}` that of the run which the value names;
    `{argument}` what follows the dot of the name; `{fitted}` the JSON list of example ids that
    `fit` means, a "module:function" of all (hypotheses, gold labels) of the evaluation.
    """

    name: str
    help: str
    kind: Kind
    sql: str = ""
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()  # of a choice all there are, else completions
    codes: Mapping[str, int] = field(default_factory=dict)  # of a choice: what `sql` is
    conditions: Mapping[str, str] = field(default_factory=dict)  # of a choice: value -> its SQL
    sentence: str = ""  # with {value}; default: the name and the value
    flag: str = ""  # option of the command line; of numbers --min-FLAG and --max-FLAG
    flag_help: str = ""  # of numbers with {bound}, "At least" or "At most"
    limits: tuple[float | None, float | None] = (None, None)  # of what the options take
    bare: bool = False  # the values stand alone, without the name
    argument: str = ""  # what follows the name and a dot
    per_run: bool = False  # differs from run to run, so `b.` may refer to it
    several: bool = False  # a pair can have several values: terms add up, the last does not win
    indexed: bool = False  # an index finds its pairs
    of_pair: bool = False  # stored with the pair, in an indexed column of examples
    falls_with: str = ""  # an indexed expression of which `sql` is a falling function,
    inverse: Callable[[float], float] | None = None  # and that function's inverse
    among: str = ""  # selects the example ids of all pairs that have a value, where they are few
    needs: str = ""  # table that the run must have rows in
    fit: str = ""
    former_scale: float = 0  # a range above 1 is out of so many: shares that were counts once

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.kind in ("number", "whole")

    @property
    def sortable(self) -> bool:
        """Whether one can sort by it; a column of the data may hold words, which follow numbers."""
        return self.numeric or self.kind == "any"

    @property
    def asks_other(self) -> bool:
        """Whether it compares the run with others."""
        sql = (self.sql, *self.conditions.values())
        return any(slot in each for slot in ("{other}", "{others}") for each in sql)

    @property
    def completions(self) -> tuple[str, ...]:
        """What may follow the colon."""
        return self.values or (_COMPARED if self.numeric or self.kind == "any" else ())

    def fitted(self, hypotheses: Sequence[str], gold: Sequence[int]) -> Sequence[bool]:
        """[n] which pairs of the evaluation the field's model means."""
        module, _, name = self.fit.partition(":")
        fit: Callable[[Sequence[str], Sequence[int]], Sequence[bool]]
        fit = getattr(import_module(module), name)
        return fit(hypotheses, gold)


FIELDS: dict[str, Field] = {}
_by_name: dict[str, Field] = {}


def register(field: Field) -> None:
    """Adds a field; a name or alias that is taken is refused."""
    for name in (field.name, *field.aliases):
        if name in _by_name:
            raise NliError(f"the filter field {name!r} exists already", "choose another name")
    FIELDS[field.name] = field
    _by_name.update(dict.fromkeys((field.name, *field.aliases), field))


def find_field(name: str) -> Field | None:
    """The field of this name or alias, without prefix or argument."""
    return _by_name.get(name.lower())


class Key(NamedTuple):
    """What stands before the colon: `b.conf` is the other run's `conf`, `meta.genre` has an
    argument.
    """

    field: Field
    argument: str = ""
    other: bool = False

    @property
    def name(self) -> str:
        """As Term.name has it."""
        argument = f".{self.argument}" if self.argument else ""
        return f"{'b.' if self.other else ''}{self.field.name}{argument}"


def find_key(text: str) -> Key | None:
    """The field that `text` names; None where there is none."""
    other = text[:2].lower() == "b." and len(text) > 2
    name, dot, argument = text[2 * other :].partition(".")
    field = find_field(name)
    if field is None or bool(field.argument) != bool(argument) or (dot and not argument):
        return None
    if other and not field.per_run:
        raise NliError(f"b.{field.name} is the same in both runs", f"without the b.: {field.name}:")
    return Key(field, argument, other)


def key_of(name: str) -> Key:
    """As `find_key`, for the name of a term; raises NliError for a field that is not there."""
    key = find_key(name)
    if key is None:
        raise NliError(f"unknown filter field {name!r}", f"known: {', '.join(FIELDS)}")
    return key


def bare_words() -> dict[str, str]:
    """Words with a meaning of their own: word -> name of the field whose value it is."""
    return {value: f.name for f in FIELDS.values() if f.bare for value in f.values}


_NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_RANGE = re.compile(rf"(?P<op>>=|<=|>|<|=)?(?P<low>{_NUMBER})(?:-(?P<high>{_NUMBER}))?")
_HEX = re.compile(r"[0-9a-f]{1,16}")
_MATCH = re.compile(r'"((?:[^"]|"")*)"|(\S+)')


def read_value(field: Field, text: str) -> Value:
    """The value that `text` says, without quotation marks; raises NliError."""
    if field.kind in ("number", "whole"):
        return _read_range(field, text)
    if field.kind == "any":
        return _read_range(field, text) if is_range(text) else text
    if field.kind == "choice":
        return _read_choice(field, text)
    if field.kind == "prefix":
        return read_example_id(text)
    return text


def is_range(text: str) -> bool:
    """Whether it has the form of a number or range; without quotation marks it is read as one."""
    return _RANGE.fullmatch(text) is not None


def read_matches(text: str) -> list[Match]:
    """Words and "phrases" of a search, as typed."""
    return [
        Match(word) if word else Match(phrase.replace('""', '"'), "phrase")
        for phrase, word in _MATCH.findall(text)
    ]


def read_example_id(text: str) -> str:
    """The beginning of an example id."""
    if not _HEX.fullmatch(text.lower()):
        raise NliError(f"{text!r} is no example id", "an id is up to 16 of 0-9 and a-f")
    return text.lower()


def _read_choice(field: Field, text: str) -> str:
    """One of the values by its name, its number, or the beginning of its name."""
    plain = text.strip().lower()
    for value in field.values:
        if plain == value or (field.codes and plain == str(field.codes[value])):
            return value
    begun = [value for value in field.values if plain and value.startswith(plain)]
    if len(begun) != 1:
        raise NliError(f"{field.name}: has no value {text!r}", f"values: {', '.join(field.values)}")
    return begun[0]


def _read_range(field: Field, text: str) -> Range:
    """`12`, `10-20`, `>30`, `<=0.5`, inclusive."""
    range_ = _read_plain_range(field, text)
    above_all = math.nextafter(1.0, math.inf)  # the bound of `>1`, which lets no share through
    if field.former_scale and max(range_.low or 0.0, range_.high or 0.0) > above_all:
        ends = (range_.low, range_.high)
        low, high = (None if end is None else end / field.former_scale for end in ends)
        return Range(
            low if low is None else min(low, above_all), high if high is None else min(high, 1.0)
        )
    return range_


def _read_plain_range(field: Field, text: str) -> Range:
    match = _RANGE.fullmatch(text)
    name = field.name
    if not match or (match["op"] and match["high"]):
        raise NliError(
            f"{name}:{text} is not understood", f"write {name}:>3, {name}:<=3 or {name}:1-3"
        )
    whole = field.kind == "whole"
    low = _read_number(name, match["low"], whole)
    if match["high"] is not None:
        return Range(low, _read_number(name, match["high"], whole))
    above = low + 1 if whole else math.nextafter(low, math.inf)  # strict, made inclusive
    below = low - 1 if whole else math.nextafter(low, -math.inf)
    return {
        ">": Range(above),
        ">=": Range(low),
        "<": Range(None, below),
        "<=": Range(None, low),
    }.get(match["op"] or "=", Range(low, low))


def _read_number(name: str, text: str, whole: bool) -> float:
    number = float(text)
    if abs(number) > 1e15 or (whole and not number.is_integer()):
        what = "a whole number" if whole else "a number in range"
        raise NliError(f"{name}: {text} is not {what}", f"for example {name}:>3")
    return int(number) if whole else number
