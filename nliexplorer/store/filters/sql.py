"""A Filter as SQL over `predictions p`: one alias, every value a parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nliexplorer.errors import NliError, unknown_name
from nliexplorer.store.filters.fields import FIELDS
from nliexplorer.store.filters.filter import SORTS, Filter

_OTHER = (
    "p.correct = {0} and exists (select 1 from predictions o where o.example_id = p.example_id "
    "and o.evaluation_id = ? and o.correct = {1})"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a filter is compiled for: an evaluation, its run, and the evaluations of other runs."""

    evaluation_id: int
    run_id: str = ""
    others: Mapping[str, int] = field(default_factory=dict)  # run as the filter names it -> id
    fitted: Mapping[str, str] = field(default_factory=dict)  # field -> JSON list of example ids


def compile_filter(wanted: Filter, scope: Scope) -> tuple[str, list[object]]:
    """(condition, parameters) over the alias `p` of predictions; sort and limit are not in it."""
    conditions = ["p.evaluation_id = ?"]
    parameters: list[object] = [scope.evaluation_id]

    def add(condition: str, *values: object) -> None:
        conditions.append(condition)
        parameters.extend(values)

    for column, value in (
        ("gold", wanted.gold),
        ("predicted", wanted.predicted),
        ("correct", None if wanted.wrong is None else int(not wanted.wrong)),
    ):
        if value is not None:
            add(f"p.{column} = ?", value)
    for column, low, high in (
        ("length", wanted.min_length, wanted.max_length),
        ("confidence", wanted.min_confidence, wanted.max_confidence),
    ):
        if low is not None:
            add(f"p.{column} >= ?", low)
        if high is not None:
            add(f"p.{column} <= ?", high)
    if wanted.fixed_by is not None:
        add(_OTHER.format(0, 1), scope.others[wanted.fixed_by])
    if wanted.broken_by is not None:
        add(_OTHER.format(1, 0), scope.others[wanted.broken_by])
    if wanted.tag is not None:
        add("p.example_id in (select example_id from tags where tag = ?)", wanted.tag)
    if wanted.example is not None:
        add(
            "p.example_id in (select id from examples where key >= ? and key < ?)",
            wanted.example,
            wanted.example + "g",  # after every hex digit
        )
    for bound in wanted.bounds:
        if bound.field not in FIELDS or not FIELDS[bound.field].sql:
            raise unknown_name("filter field", bound.field, [n for n, f in FIELDS.items() if f.sql])
        for operator, limit in ((">=", bound.low), ("<=", bound.high)):
            if limit is not None:
                sql = f"{FIELDS[bound.field].sql} {operator} {{value}}"
                add(*_filled(sql, run=scope.run_id, value=limit))
    for choice in wanted.choices:
        if choice.field not in FIELDS or not FIELDS[choice.field].test:
            known = [n for n, f in FIELDS.items() if f.test]
            raise unknown_name("filter field", choice.field, known)
        slots = {"run": scope.run_id, "value": choice.value}
        slots["fitted"] = scope.fitted.get(choice.field, "[]")
        add(*_filled(FIELDS[choice.field].test, **slots))
    if wanted.contains is not None:
        add(
            "p.example_id in (select rowid from examples_fts where examples_fts match ?)",
            search_query(wanted),
        )
    return " and ".join(conditions), parameters


_SLOT = re.compile(r"\{(run|value|fitted)\}")


def _filled(sql: str, **values: object) -> tuple[Any, ...]:
    """`sql` with a mark for each slot, then what the marks stand for, in order."""
    return _SLOT.sub("?", sql), *(values[slot] for slot in _SLOT.findall(sql))


def order_terms(wanted: Filter) -> tuple[str, bool]:
    """(column, largest first); ties by position in the same direction, as the indexes have it."""
    column = wanted.sort.removeprefix("-")
    if column not in SORTS:
        raise unknown_name("sort key", column, SORTS)
    return column, wanted.sort.startswith("-")


def search_query(wanted: Filter) -> str:
    """FTS5 text: every term quoted, so that nothing in it is an operator; words by beginning."""
    parts = []
    for text, phrase in wanted.terms():
        if any(character.isalnum() for character in text):
            parts.append(
                '"' + text.replace('"', '""').replace("\0", " ") + '"' + ("" if phrase else "*")
            )
    if not parts:
        raise NliError(
            f"there is nothing to search for in {wanted.contains!r}", "give a word or a part of one"
        )
    return " ".join(parts)
