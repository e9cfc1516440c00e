"""A filter as text: the filter bar's, the shell's, and a sentence."""

from __future__ import annotations

import math
import re
import shlex
from typing import TYPE_CHECKING

from nliexplorer.store.filters.fields import Field, bare_words, is_range, key_of
from nliexplorer.store.filters.nodes import And, Match, Node, Not, Or, Range, Term, Value, conjuncts

if TYPE_CHECKING:
    from nliexplorer.store.filters.filter import Filter, SortKey

_PLAIN_WORD = re.compile(r'[^\s":()|/-][^\s":()|]*')
_PLAIN_OPTION = re.compile(r'[^\s"]+')
_PLAIN_VALUE = re.compile(r'[^\s",()]+')


def to_text(filter: Filter) -> str:
    """The filter-bar text; `parse_filter` gives the filter back."""
    parts = [text for node in conjuncts(filter.where) for text in _conjunct(node)]
    if filter.others:
        parts.append(f"b:{','.join(map(_quoted, filter.others))}")
    if filter.sort:
        parts.append(f"sort:{sort_text(filter.sort)}")
    if filter.limit is not None:
        parts.append(f"limit:{filter.limit}")
    return " ".join(parts)


def to_command(filter: Filter, run: str, command: str, split: str | None) -> str:
    """The shell command that lists the same pairs: options where there are, else --where."""
    words = ["nliexplorer", command, run]
    searched = []
    for node in conjuncts(filter.where):
        if isinstance(node, Term) and node.name == "text" and _may_be_option(node):
            searched.append(_search_text(node))
        else:
            words += _options(node)
    if searched:
        words.append(f"--contains={' '.join(searched)}")
    words += [f"--other={run}" for run in filter.others]
    if filter.sort:
        words.append(f"--sort={sort_text(filter.sort)}")
    if filter.limit is not None:
        words.append(f"--limit={filter.limit}")
    if split:
        words.append(f"--split={split}")
    return shlex.join(words)  # each option one word: a value may begin with a dash


def sort_text(keys: tuple[SortKey, ...]) -> str:
    return ",".join(f"{'-' if key.down else ''}{key.name}" for key in keys)


def sentence(filter: Filter) -> str:
    """What it says, in words; empty where it lets every pair through."""
    if filter.is_empty:
        return ""
    return _sentence(filter.where)


def range_text(value: Range) -> str:
    """`at least 30`, `30 to 40`."""
    if value.low == value.high and value.low is not None:
        return f"{value.low:g}"
    if value.low is None:
        return "any" if value.high is None else f"at most {value.high:g}"
    return f"at least {value.low:g}" if value.high is None else f"{value.low:g} to {value.high:g}"


def _options(node: Node) -> list[str]:
    """Options of the command line that say a conjunct."""
    if isinstance(node, Term) and len(node.values) == 1:
        key, value = key_of(node.name), node.values[0]
        flag = "" if key.other else key.field.flag
        if flag and isinstance(value, Range) and _may_be_options(value, *key.field.limits):
            return [
                f"--{side}-{flag}={bound!r}"
                for side, bound in (("min", value.low), ("max", value.high))
                if bound is not None
            ]
        if flag and isinstance(value, str):
            return [f"--{value}"] if "/" in flag else [f"--{flag}={value}"]
    return [f"--where={text}" for text in _conjunct(node)]


def _may_be_options(value: Range, least: float | None, most: float | None) -> bool:
    """Not for `>0.9`: its bound is the next float, 0.9000000000000001, which nobody would type."""
    readable = all(
        bound is None or bound == float(f"{bound:.12g}") for bound in (value.low, value.high)
    )
    return readable and _within(value, least, most)


def _within(value: Range, least: float | None, most: float | None) -> bool:
    bounds = [bound for bound in (value.low, value.high) if bound is not None]
    return all(
        (least is None or bound >= least) and (most is None or bound <= most) for bound in bounds
    )


def _conjunct(node: Node) -> list[str]:
    """A range with two bounds as two terms, which the parser puts together again."""
    if isinstance(node, Term) and len(node.values) == 1 and not key_of(node.name).field.several:
        value = node.values[0]
        if isinstance(value, Range) and value.low != value.high and value.low is not None:
            bounds = [Range(value.low), *([] if value.high is None else [Range(None, value.high)])]
            return [f"{node.name}:{_range(bound)}" for bound in bounds]
    return [_text(node)]


def _text(node: Node) -> str:
    if isinstance(node, Term):
        return _term(node)
    if isinstance(node, Not):
        inner = _text(node.node)
        return f"-({inner})" if isinstance(node.node, And) else f"-{inner}"
    if isinstance(node, Or):
        return f"({' | '.join(_text(each) for each in node.nodes)})"
    return " ".join(_text(each) for each in node.nodes)


def _term(term: Term) -> str:
    key = key_of(term.name)
    if key.field.kind == "search":
        return (
            _search_text(term) if term.name == "text" and _is_plain(term) else _named_search(term)
        )
    if key.field.bare and len(term.values) == 1:
        return f"{'b.' if key.other else ''}{term.values[0]}"
    return f"{term.name}:{','.join(_value(key.field, value) for value in term.values)}"


def _may_be_option(term: Term) -> bool:
    (match,) = term.values
    assert isinstance(match, Match)
    return match.kind == "phrase" or (
        match.kind == "word" and _PLAIN_OPTION.fullmatch(match.text) is not None
    )


def _is_plain(term: Term) -> bool:
    """Whether the bar reads it so without `text:`."""
    (match,) = term.values
    assert isinstance(match, Match)
    if match.kind == "word":
        word = match.text.lower()
        plain = bool(_PLAIN_WORD.fullmatch(match.text))
        return plain and word.removeprefix("b.") not in bare_words()
    return True


def _search_text(term: Term) -> str:
    """As typed in a search: the word, the quoted phrase, the /regex/."""
    (match,) = term.values
    assert isinstance(match, Match)
    if match.kind == "regex":
        return f"/{match.text}/"
    return match.text if match.kind == "word" else _in_quotes(match.text)


def _named_search(term: Term) -> str:
    (match,) = term.values
    assert isinstance(match, Match)
    if match.kind == "regex":
        return f"{term.name}:/{match.text}/"
    if match.kind == "phrase":
        return f"{term.name}:{_in_quotes(match.text)}"
    text = _quoted(match.text)
    by_beginning = "*" if text.startswith('"') else ""
    return f"{term.name}:{text}{by_beginning}"


def _value(field: Field, value: Value) -> str:
    if isinstance(value, Range):
        return _range(value)
    text = str(value)
    return _in_quotes(text) if field.kind == "any" and is_range(text) else _quoted(text)


def _range(value: Range) -> str:
    if value.low is not None and value.low == value.high:
        return repr(value.low)
    if value.low is not None and value.high is not None:
        return f"{value.low!r}-{value.high!r}"
    if value.low is not None:
        return f">{_bound(value.low, math.inf)}"
    return f"<{_bound(value.high if value.high is not None else math.inf, -math.inf)}"


def _bound(value: float, inward: float) -> str:
    """What follows `>` or `<`: `=0.9`, or `0.9` where the value is the next float inward of it."""
    if isinstance(value, float):
        for short in (float(f"{value:.6g}"), 0.0):
            if short != value and math.nextafter(short, inward) == value:
                return repr(short)
    return f"={value!r}"


def _quoted(value: str) -> str:
    return value if _PLAIN_VALUE.fullmatch(value) and value[0] != "/" else _in_quotes(value)


def _in_quotes(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _sentence(node: Node) -> str:
    if isinstance(node, Term):
        field = key_of(node.name).field
        other = "the other run: " if key_of(node.name).other else ""
        values = " or ".join(_value_words(value) for value in node.values)
        pattern = field.sentence or f"{field.name} {{value}}"
        return other + pattern.format(value=values, name=node.name)
    if isinstance(node, Not):
        return f"not {_inner(node.node)}"
    return (" or " if isinstance(node, Or) else ", ").join(_inner(each) for each in node.nodes)


def _inner(node: Node) -> str:
    return f"({_sentence(node)})" if isinstance(node, (And, Or)) else _sentence(node)


def _value_words(value: Value) -> str:
    if isinstance(value, Range):
        return range_text(value)
    if isinstance(value, Match):
        return f"/{value.text}/" if value.kind == "regex" else f"“{value.text}”"
    return value
