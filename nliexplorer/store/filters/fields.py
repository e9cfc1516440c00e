"""The registry of fields: what the bar completes, and where further numeric fields join in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES, LABELS
from nliexplorer.store.filters.filter import SORTS


@dataclass(frozen=True, slots=True)
class Field:
    """A `name:value` of the filter bar. `values` are completions.

    `sql` makes it a numeric range: an expression over `p`, a row of predictions. `test` makes it a
    word, one of `values` where `closed`: a condition over `p`. `{run}` stands for the run's id,
    `{value}` for the word. `needs`: the table that the run must have rows in. `fit`: of all
    (hypotheses, gold labels) of the evaluation, which pairs are meant; `{fitted}` stands for them,
    a JSON list of example ids.
    """

    name: str
    help: str
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    sql: str = ""
    test: str = ""
    closed: bool = True
    needs: str = ""
    fit: Callable[[Sequence[str], Sequence[int]], Sequence[bool]] | None = None


FIELDS: dict[str, Field] = {}


def register(field: Field) -> None:
    """Adds a field; a name or alias that is taken is refused."""
    for name in (field.name, *field.aliases):
        if find_field(name):
            raise NliError(f"the filter field {name!r} exists already", "choose another name")
    FIELDS[field.name] = field


def find_field(name: str) -> Field | None:
    """The field of this name or alias."""
    name = name.lower()
    for field in FIELDS.values():
        if name == field.name or name in field.aliases:
            return field
    return None


_SORT_VALUES = tuple(f"{sign}{name}" for name in SORTS for sign in ("", "-"))

for _field in (
    Field("gold", "gold label", ("label",), GOLD_NAMES),
    Field("pred", "predicted label", ("predicted", "prediction"), LABELS),
    Field("len", "words of both sentences: 12, 10-20, >30", ("length",), (">", "<", ">=", "<=")),
    Field("conf", "confidence: >=0.9, 0.5-0.8", ("confidence",), (">=0.9", "<0.5", ">", "<")),
    Field("fixed-by", "wrong here, right in that run", ("fixed", "fixed_by")),
    Field("broken-by", "right here, wrong in that run", ("broken", "broken_by")),
    Field("tag", "tagged so", ("tags",)),
    Field("id", "beginning of the example id", ("example",)),
    Field("text", "words of the pair, or a quoted phrase", ("contains",)),
    Field("sort", "order; - for largest first", ("order",), _SORT_VALUES),
    Field("limit", "at most so many", ()),
):
    register(_field)
