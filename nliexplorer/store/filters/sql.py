"""A Filter as SQL over `predictions p`, every value a parameter."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nliexplorer.errors import NliError
from nliexplorer.store.filters.fields import Field, Key, key_of
from nliexplorer.store.filters.filter import POSITION, Filter
from nliexplorer.store.filters.fulltext import (
    fts_query,
    full_text,
    has_words,
    nothing_to_search,
)
from nliexplorer.store.filters.nodes import And, Match, Node, Not, Or, Range, Term, conjuncts

#: Fields that `predictions` has an index for, in the order of which a list can be walked.
WALKED = {"position": "position", "len": "length", "conf": "confidence"}

Sql = tuple[str, list[object]]


def _unknown(_sql: str, _parameters: Sequence[object]) -> bool:
    """The default where nothing has been counted."""
    return False


@dataclass(frozen=True, slots=True)
class Scope:
    """What a filter is compiled for: an evaluation, its run, and the evaluations of other runs."""

    evaluation_id: int
    run_id: str = ""
    counterparts: Mapping[str, int] = field(default_factory=dict)  # run as named -> evaluation
    other_ids: tuple[int, ...] = ()  # evaluations of the other runs; b. refers to the first
    other_run: str = ""  # the first of them
    fitted: Mapping[str, str] = field(default_factory=dict)  # field -> JSON list of example ids
    few: Callable[[str, Sequence[object]], bool] = _unknown  # whether a query has few rows

    @property
    def other_id(self) -> int:
        return self.other_ids[0] if self.other_ids else 0


@dataclass(frozen=True, slots=True)
class Query:
    """The parts of a select over the alias `p` of predictions.

    `selective`: an index finds the pairs, so that few may pass; `searched` is the full-text query
    that finds them, if one does. `walk`: the column whose index has the order.
    """

    where: str
    parameters: list[object]
    order: str
    order_parameters: list[object]
    walk: str
    selective: bool = False
    searched: str = ""
    is_everything: bool = False


def compile_filter(filter: Filter, scope: Scope) -> Query:
    """The filter for one evaluation; its limit is not in it. Raises NliError."""
    nodes = conjuncts(filter.where)
    searched, rest = full_text(nodes)
    parts: list[Sql] = [("p.evaluation_id = ?", [scope.evaluation_id])]
    parts += [_node(node, scope) for node in rest]
    if searched:
        parts.append(has_words(searched, "p"))
    where, parameters = _join(parts, " and ")
    order, order_parameters, walk = _order(filter, scope)
    selective = bool(searched) or any(_is_selective(node, scope) for node in rest)
    return Query(
        where, parameters, order, order_parameters, walk, selective, searched, filter.is_empty
    )


def _node(node: Node, scope: Scope) -> Sql:
    if isinstance(node, Term):
        return _term(node, scope)
    if isinstance(node, Not):
        return _not(node.node, scope)
    parts = [_node(each, scope) for each in node.nodes]
    if not parts:
        return ("1" if isinstance(node, And) else "0"), []
    sql, parameters = _join(parts, " and " if isinstance(node, And) else " or ")
    return f"({sql})", parameters


def _not(node: Node, scope: Scope) -> Sql:
    """Every pair for which the node is not true, including those where a value is unknown."""
    if isinstance(node, Term) and (rest := _rest(node, scope)):
        key = key_of(node.name)
        return _by_pair(rest, key, scope)[0] if key.field.of_pair else rest
    sql, parameters = _node(node, scope)
    return f"({sql}) is not true", parameters


def _rest(term: Term, scope: Scope) -> Sql | None:
    """The other values, which an index finds; None where there is none."""
    key = key_of(term.name)
    if key.other:
        return None
    alias = "x" if key.field.of_pair else "p"
    if key.field.codes:
        column, parameters = _fill(key.field.sql, key, scope, alias)
        rest = [code for value, code in key.field.codes.items() if value not in term.values]
        marks = ", ".join("?" * len(rest))
        return f"({column} in ({marks}) or {column} is null)", [*parameters, *rest]
    if key.field.indexed and all(isinstance(value, Range) for value in term.values):
        return _outside(term, key, scope, alias)
    return None


def _outside(term: Term, key: Key, scope: Scope, alias: str) -> Sql:
    """Numbers outside the ranges, by the column's index."""
    column = _fill(key.field.sql, key, scope, alias)
    sql, filled = column
    if key.field.falls_with:
        sql, filled = key.field.falls_with.replace("{p}", alias), []
    parts: list[Sql] = []
    for value in term.values:
        assert isinstance(value, Range)
        sides: list[Sql] = [(f"{sql} is null", filled)]
        if value.low is not None:
            sides.append(_bounded(column, "<", value.low, key.field, alias))
        if value.high is not None:
            sides.append(_bounded(column, ">", value.high, key.field, alias))
        either, parameters = _join(sides, " or ")
        parts.append((f"({either})", parameters))
    if alias == "p" and len(parts) == 1:
        return _few_of_each(sides, scope) or parts[0]
    return _join(parts, " and ")


def _few_of_each(sides: Sequence[Sql], scope: Scope) -> Sql | None:
    """Any of the conditions, each by its index, which SQLite does not do for "or" by itself."""
    one = "select p.example_id from predictions p where p.evaluation_id = ? and "
    query, parameters = _join(
        [(one + sql, [scope.evaluation_id, *values]) for sql, values in sides], " union all "
    )
    return (f"p.example_id in ({query})", parameters) if scope.few(query, parameters) else None


def _term(term: Term, scope: Scope) -> Sql:
    key = key_of(term.name)
    elsewhere = _elsewhere(term, key, scope)
    return _by_pair(elsewhere, key, scope)[0] if elsewhere else _condition(term, key, scope, "p")


def _elsewhere(term: Term, key: Key, scope: Scope) -> Sql | None:
    """The term over the rows `o` of the other run's predictions, or `x` of the pairs; else None."""
    if key.other:
        there = replace(scope, evaluation_id=scope.other_id, run_id=scope.other_run)
        sql, parameters = _condition(term, key, there, "o")
        return f"o.evaluation_id = ? and {sql}", [scope.other_id, *parameters]
    return _condition(term, key, scope, "x") if key.field.of_pair else None


def _by_pair(condition: Sql, key: Key, scope: Scope) -> tuple[Sql, bool]:
    """(`_elsewhere`'s condition as one on `p`, whether an index finds only a few such rows)."""
    rows, pair = ("predictions o", "o.example_id") if key.other else ("examples x", "x.id")
    sql, parameters = condition
    if key.field.indexed and scope.few(f"select 1 from {rows} where {sql}", parameters):
        return (f"p.example_id in (select {pair} from {rows} where {sql})", parameters), True
    return (
        f"exists (select 1 from {rows} where {pair} = p.example_id and {sql})",
        parameters,
    ), False


def _condition(term: Term, key: Key, scope: Scope, alias: str) -> Sql:
    """The term over the rows `alias`, whichever run they are of."""
    field = key.field
    if field.codes:
        marks = ", ".join("?" * len(term.values))
        column, parameters = _fill(field.sql, key, scope, alias)
        codes = [field.codes[str(value)] for value in term.values]
        return f"{column} in ({marks})", [*parameters, *codes]
    parts = [_one(value, field, key, scope, alias) for value in term.values]
    sql, parameters = _join(parts, " or ")
    sql = f"({sql})" if len(parts) > 1 else sql
    if field.among:
        among, run = _fill(field.among, key, scope)
        return f"{alias}.example_id in ({among}) and {sql}", [*run, *parameters]
    return sql, parameters


def _one(value: object, field: Field, key: Key, scope: Scope, alias: str) -> Sql:
    if field.kind == "any":
        return _column(value, key, alias)
    if isinstance(value, Range):
        column = _fill(field.sql, key, scope, alias)
        sides: list[Sql] = []
        if value.low is not None:
            sides.append(_bounded(column, ">=", value.low, field, alias))
        if value.high is not None:
            sides.append(_bounded(column, "<=", value.high, field, alias))
        return _join(sides, " and ") if sides else ("1", [])
    if isinstance(value, Match):
        return _search(value, field, key, scope, alias)
    if field.conditions:
        return _fill(field.conditions[str(value)], key, scope, alias)
    return _fill(field.sql, key, scope, alias, str(value))


def _bounded(column: Sql, sign: str, bound: float, field: Field, alias: str) -> Sql:
    """`column sign bound`; where an index has what the column falls with, by that first."""
    sql, filled = column
    exact = f"{sql} {sign} ?", [*filled, bound]
    if not field.inverse:
        return exact
    slack = 1e-9 if sign.startswith(">") else -1e-9
    reverse = "<=" if sign.startswith(">") else ">="
    near = field.inverse(bound) * (1 + slack) + slack * 1e-290
    expression = field.falls_with.replace("{p}", alias)
    return f"({expression} {reverse} ? and {exact[0]})", [near, *exact[1]]


def _column(value: object, key: Key, alias: str) -> Sql:
    """A column of the data: of a list any element."""
    if isinstance(value, Range):
        sides = [(">= ?", value.low), ("<= ?", value.high)]
        known: list[tuple[str, object]] = [
            (f"as_number(j.atom) {sign}", bound) for sign, bound in sides if bound is not None
        ]
    else:
        text = "case j.type when 'true' then 'true' when 'false' then 'false' else j.atom end"
        known = [(f"lower({text}) = lower(?)", value)]
    test = " and ".join(sql for sql, _ in known)
    return (
        "exists (select 1 from examples x, json_each(x.extra, ?) j "
        f"where x.id = {alias}.example_id and {test})",
        [_path(key), *(bound for _, bound in known)],
    )


def _search(match: Match, field: Field, key: Key, scope: Scope, alias: str) -> Sql:
    """Texts that the match is found in."""
    if field.sql:  # a text of its own
        column = re.search(r"\{match:([\w.]+)\}", field.sql)
        assert column
        function = "has_match" if match.kind == "regex" else "has_text"
        sql = field.sql.replace(column.group(), f"{function}({column[1]}, {{value}})")
        return _fill(sql, key, scope, alias, match.text)
    query = fts_query(Term(key.name, (match,)))
    if query == "":
        raise nothing_to_search(match.text)
    if query:
        return has_words(query, alias)
    columns = ("premise", "hypothesis") if field.name == "text" else (field.name,)
    function = "has_match" if match.kind == "regex" else "has_text"
    tests = " or ".join(f"{function}(x.{column}, ?)" for column in columns)
    return (
        f"exists (select 1 from examples x where x.id = {alias}.example_id and ({tests}))",
        [match.text] * len(columns),
    )


_SLOT = re.compile(r"\{(run|value|others|other|counterpart|argument|fitted)\}")


def _fill(sql: str, key: Key, scope: Scope, alias: str = "p", value: str = "") -> Sql:
    """A field's SQL with its alias, marks for the slots, and what the marks stand for, in order."""
    slots: dict[str, Callable[[], object]] = {
        "run": lambda: scope.run_id,
        "value": lambda: value,
        "other": lambda: scope.other_id,
        "others": lambda: json.dumps(scope.other_ids),
        "counterpart": lambda: scope.counterparts[value],
        "argument": lambda: _path(key),
        "fitted": lambda: scope.fitted.get(key.field.name, "[]"),
    }
    sql = sql.replace("{p}", alias)
    return _SLOT.sub("?", sql), [slots[slot]() for slot in _SLOT.findall(sql)]


def _path(key: Key) -> str:
    """The JSON path of a column."""
    return '$."' + key.argument.replace('"', "") + '"'


def _is_selective(node: Node, scope: Scope) -> bool:
    """Whether an index can find the pairs of a conjunct."""
    if isinstance(node, Not):
        node = node.node
        if not isinstance(node, Term) or (rest := _rest(node, scope)) is None:
            return False
        key = key_of(node.name)
        return _by_pair(rest, key, scope)[1] if key.field.of_pair else True
    if isinstance(node, Or):  # of columns the index would find too many
        terms = [each for each in node.nodes if isinstance(each, Term)]
        listed = all(key_of(each.name).field.kind in ("word", "prefix", "search") for each in terms)
        return len(terms) == len(node.nodes) and listed and all(map(_indexed, terms))
    if isinstance(node, And):
        return any(_is_selective(each, scope) for each in node.nodes)
    key = key_of(node.name)
    elsewhere = _elsewhere(node, key, scope)
    return _by_pair(elsewhere, key, scope)[1] if elsewhere else _indexed(node)


def _indexed(term: Term) -> bool:
    field = key_of(term.name).field
    in_texts = field.kind == "search" and not field.sql
    return field.indexed and not (in_texts and fts_query(term) is None)


def _order(filter: Filter, scope: Scope) -> tuple[str, list[object], str]:
    """(terms with {+} before what an index could order, parameters, column to walk or "").

    Ties go by position, in the direction of the last key, as the indexes have it.
    """
    keys = filter.sort or (POSITION,)
    direction = "desc" if keys[-1].down else "asc"
    if len(keys) == 1 and (column := WALKED.get(keys[0].name)):
        columns = dict.fromkeys((column, "position"))
        return ", ".join(f"{{+}}p.{each} {direction}" for each in columns), [], column
    terms: list[str] = []
    parameters: list[object] = []
    for sort in keys:
        sql, values = _number_of(key_of(sort.name), scope)
        terms.append(f"{sql} {'desc' if sort.down else 'asc'} nulls last")
        parameters += values
    return ", ".join([*terms, f"p.position {direction}"]), parameters, ""


def _number_of(key: Key, scope: Scope) -> Sql:
    """A numeric field of the pair, or of the other run's prediction of it."""
    if not key.other:
        return _own(key, scope)
    there = replace(scope, evaluation_id=scope.other_id, run_id=scope.other_run)
    sql, values = _fill(key.field.sql, key, there, "o")
    return (
        f"(select {sql} from predictions o where o.example_id = p.example_id "
        "and o.evaluation_id = ?)"
    ), [*values, scope.other_id]


def _own(key: Key, scope: Scope) -> Sql:
    """The field's expression over the row `p`."""
    if not key.field.of_pair:
        return _fill(key.field.sql, key, scope)
    sql, values = _fill(key.field.sql, key, scope, "x")
    return f"(select {sql} from examples x where x.id = p.example_id)", values


def compile_value(key: Key, scope: Scope) -> Sql:
    """A field's value for the row `p`: a number, or the name of a choice; NULL where unknown.

    Raises NliError for a field that has no one value a pair, such as the text.
    """
    field = key.field
    if field.numeric:
        return _number_of(key, scope)
    if field.kind != "choice" or field.several or key.other:
        raise NliError(
            f"{key.name} has no one value for each pair", "slice by a number or a choice"
        )
    parameters: list[object] = []
    cases = []
    for name in field.values:
        if field.codes:
            sql, values = _own(key, scope)
            condition, values = f"{sql} = ?", [*values, field.codes[name]]
        elif field.conditions:
            condition, values = _fill(field.conditions[name], key, scope)
        else:
            condition, values = _fill(field.sql, key, scope, "p", name)
        cases.append(f"when {condition} then ?")
        parameters += [*values, name]
    return f"case {' '.join(cases)} end", parameters


def _join(parts: Sequence[Sql], word: str) -> Sql:
    return word.join(sql for sql, _ in parts), [value for _, values in parts for value in values]
