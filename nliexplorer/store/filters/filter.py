"""The Filter: which pairs of one evaluation, in which order, how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nliexplorer.errors import NliError
from nliexplorer.store.filters import text
from nliexplorer.store.filters.fields import FIELDS, key_of, read_matches, read_value
from nliexplorer.store.filters.nodes import (
    And,
    Node,
    Not,
    Range,
    Term,
    Value,
    conjuncts,
    joined,
    terms_of,
)

#: Lets every pair through.
NOTHING = And()
_FORMER_SORTS = {"position": "position", "confidence": "conf", "length": "len"}


@dataclass(frozen=True, slots=True)
class SortKey:
    """A numeric field to sort by; `down`: largest first."""

    name: str
    down: bool = False


POSITION = SortKey("position")


@dataclass(frozen=True, slots=True)
class Filter:
    """Pairs of one evaluation. `others`: the runs to compare with; `b.conf` and the like refer to
    the first, `disagree` and `all-wrong` to all.

    Without `sort` pairs come in the order of the split. The conjuncts of `where` are kept in the
    order of the registry, so that filters which differ only in order are equal.
    """

    where: Node = NOTHING
    sort: tuple[SortKey, ...] = ()
    limit: int | None = None
    others: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        nodes = sorted(conjuncts(self.where), key=_rank)
        object.__setattr__(self, "where", joined(nodes, And))
        if self.sort == (POSITION,):
            object.__setattr__(self, "sort", ())

    @classmethod
    def of(
        cls,
        values: Mapping[str, str | Range | None],
        *,
        sort: str = "",
        limit: int | None = None,
        others: tuple[str, ...] = (),
    ) -> Filter:
        """Every field has its value; None is left out. Texts are taken as they are."""
        made = cls(sort=read_sort(sort) if sort else (), limit=limit, others=others)
        for name, value in values.items():
            made = made if value is None else made.with_value(name, value)
        return made

    @property
    def is_empty(self) -> bool:
        """Whether it lets every pair through (sort and limit aside)."""
        return self.where == NOTHING

    @property
    def names(self) -> set[str]:
        """The fields it refers to, by `Term.name`, those it sorts by included."""
        return {term.name for term in terms_of(self.where)} | {key.name for key in self.sort}

    @property
    def asks_other(self) -> bool:
        """Whether it refers to other runs."""
        return any(map(_asks_other, self.names))

    def value(self, name: str) -> Value | None:
        """The one value that a conjunct gives the field; None where none does."""
        for node in conjuncts(self.where):
            if isinstance(node, Term) and node.name == name and len(node.values) == 1:
                return node.values[0]
        return None

    def with_value(self, name: str, value: str | Range) -> Filter:
        """With one more term, which takes the place of another if a pair has one value of it."""
        field = key_of(name).field
        if field.kind == "search" and isinstance(value, str):
            nodes: list[Node] = [Term(name, (match,)) for match in read_matches(value)]
        else:
            read = read_value(field, value) if isinstance(value, str) else value
            nodes = [Term(name, (read,))]
        filter = self
        for node in nodes:
            filter = replace(filter, where=added(filter.where, node))
        return filter

    def joined(self, other: Filter) -> Filter:
        """Both filters, as if their texts were written one after the other."""
        where = self.where
        for node in conjuncts(other.where):
            where = added(where, node)
        return Filter(
            where,
            other.sort or self.sort,
            self.limit if other.limit is None else other.limit,
            other.others or self.others,
        )

    def without(self, *names: str) -> Filter:
        """Without the conjuncts that refer to these fields."""
        kept = [
            node
            for node in conjuncts(self.where)
            if not any(term.name in names for term in terms_of(node))
        ]
        return replace(self, where=And(tuple(kept)))

    def against(self, *runs: str) -> Filter:
        """With these as the other runs, unless the filter names its own."""
        return self if self.others else replace(self, others=runs)

    def without_other(self) -> Filter:
        """Without the parts about other runs, unless it names them itself."""
        names = set() if self.others else {name for name in self.names if _asks_other(name)}
        kept = tuple(key for key in self.sort if key.name not in names)
        return replace(self.without("fixed-by", "broken-by", *names), sort=kept)

    def to_text(self) -> str:
        """The filter-bar text; `parse_filter` gives the filter back."""
        return text.to_text(self)

    def to_command(self, run: str, command: str = "examples", split: str | None = None) -> str:
        """The shell command that lists the same pairs."""
        return text.to_command(self, run, command, split)


def _asks_other(name: str) -> bool:
    key = key_of(name)
    return key.other or key.field.asks_other


def added(where: Node, node: Node) -> Node:
    """`where` and `node`; a field that has one value gets the newer one, each bound by itself."""
    nodes = list(conjuncts(where))
    if isinstance(node, Term) and not key_of(node.name).field.several:
        for index, old in enumerate(nodes):
            if isinstance(old, Term) and old.name == node.name:
                nodes[index] = _merged(old, node)
                return joined(nodes, And)
    return joined([*nodes, node], And)


def _merged(old: Term, new: Term) -> Term:
    if len(old.values) == len(new.values) == 1:
        before, after = old.values[0], new.values[0]
        if isinstance(before, Range) and isinstance(after, Range):
            low = before.low if after.low is None else after.low
            high = before.high if after.high is None else after.high
            return Term(new.name, (Range(low, high),))
    return new


def _rank(node: Node) -> tuple[int, bool]:
    """Terms in the order of the registry, negated ones behind; then brackets; then the text."""
    inner = node.node if isinstance(node, Not) else node
    if not isinstance(inner, Term):
        return len(FIELDS), False
    field = key_of(inner.name).field
    place = list(FIELDS).index(field.name)
    return (len(FIELDS) + 1 if field.name == "text" else place), isinstance(node, Not)


def read_sort(value: str) -> tuple[SortKey, ...]:
    """`-conf,len`: fields by name, alias or the beginning of a name; `-` for largest first."""
    return tuple(dict.fromkeys(_sort_key(part) for part in value.split(",")))


def sort_names() -> tuple[str, ...]:
    """The fields one can sort by."""
    return tuple(field.name for field in FIELDS.values() if field.numeric)


def _sort_key(text: str) -> SortKey:
    down = text.startswith("-")
    plain = text.removeprefix("-")
    try:
        key = key_of(plain)
        if key.field.sortable:
            return SortKey(key.name, down)
    except NliError:
        pass
    plain = plain.lower()
    for known in (_FORMER_SORTS, {name: name for name in sort_names()}):
        begun = {name for former, name in known.items() if plain and former.startswith(plain)}
        if len(begun) == 1:
            return SortKey(begun.pop(), down)
    raise NliError(
        f"cannot sort by {text!r}",
        f"sort by {', '.join(sort_names())}; -conf for largest first; several: -conf,len",
        "filters",
    )


EVERYTHING = Filter()
