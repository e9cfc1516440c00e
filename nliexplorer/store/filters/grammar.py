"""The filter bar's grammar.

    filter  = choice { "|" choice }            a | b        either of them
    choice  = { part }                         a b          both of them
    part    = [ "-" ] ( term | "(" filter ")" )  -a         not
    term    = NAME ":" value { "," value }     gold:neutral,contradiction  len:>30  b.conf:<0.5
            | word | "two words" | "by its beginn"* | /regular expression/
            | wrong | right | disagree | all-wrong

`|` and brackets count where a word could begin or end; elsewhere they are part of it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import NoReturn

from nliexplorer.errors import NliError, documented
from nliexplorer.store.filters.fields import (
    FIELDS,
    Field,
    Key,
    bare_words,
    find_field,
    find_key,
    read_matches,
    read_value,
)
from nliexplorer.store.filters.filter import Filter, SortKey, added, read_sort
from nliexplorer.store.filters.nodes import And, Match, Node, Or, Term, Value, joined, negated
from nliexplorer.store.functions import check_regex

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r'[^\s":]+:')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_REGEX = re.compile(r"/((?:[^/\\\n]|\\.)+)/")
_WORD = re.compile(r"\S+")
_DEPTH = 50  # brackets in brackets
_EITHER = "(a | b) is one of the two"


class FilterError(NliError):
    """A filter that is not understood: `token` begins at `column` (from 0) of the text."""

    def __init__(self, message: str, hint: str, token: str, column: int) -> None:
        super().__init__(message, hint)
        self.token = token
        self.column = column


@documented("filters")
def parse_filter(text: str) -> Filter:
    """The Filter that the bar's text says; of a field with one value the last term counts.

    Raises FilterError with the place and a suggestion.
    """
    return _Parser(text).filter()


@dataclass(slots=True)
class _Parser:
    text: str
    at: int = 0
    depth: int = 0
    sort: tuple[SortKey, ...] = ()
    limit: int | None = None
    others: tuple[str, ...] = ()

    def filter(self) -> Filter:
        where = self._alternatives()
        return Filter(where, self.sort, self.limit, self.others)

    def _alternatives(self) -> Node:
        choices = [self._conjunction()]
        bar = self.at
        while self._is_bar():
            if choices[-1] == And():
                self._fail("there is nothing before the |", _EITHER, bar, bar + 1)
            self.at += 1
            choices.append(self._conjunction())
            if choices[-1] == And():
                self._fail("there is nothing after the |", _EITHER, bar, bar + 1)
            bar = self.at
        return joined(choices, Or)

    def _conjunction(self) -> Node:
        where: Node = And()
        while True:
            self._skip()
            if self.at == len(self.text) or self._is_bar() or self._closes():
                return where
            for node in self._part():
                where = added(where, node)

    def _part(self) -> list[Node]:
        start = self.at
        negate = bool(re.match(r"-(?=[^\s-])", self.text[start : start + 2]))
        self.at += negate
        if self.text.startswith("(", self.at):
            nodes: list[Node] = [self._group()]
        else:
            try:
                nodes = self._term(negate)
            except FilterError:
                raise
            except NliError as error:
                self._fail(error.message, error.hint, start, max(self.at, start + 1))
        return [negated(joined(nodes, And))] if negate and nodes else nodes

    def _group(self) -> Node:
        start = self.at
        self.at += 1
        self.depth += 1
        if self.depth > _DEPTH:
            self._fail("too many brackets", f"at most {_DEPTH} in each other", start, self.at)
        node = self._alternatives()
        self.depth -= 1
        if not self.text.startswith(")", self.at):
            hint = 'close it: (a | b); to search for one, quote it: "("'
            self._fail("a bracket is open", hint, start, len(self.text))
        self.at += 1
        if node == And():
            self._fail("there is nothing in the brackets", _EITHER, start, self.at)
        return node

    def _term(self, negate: bool) -> list[Node]:
        """The terms of one part: none for a setting, several for a search of several words."""
        if self.text.startswith('"', self.at):
            return [Term("text", (self._phrase(),))]
        if (pattern := self._regex()) is not None:
            return [Term("text", (pattern,))]
        if name := _NAME.match(self.text, self.at):
            return self._field(name.group()[:-1], name.end(), negate)
        word = self._word()
        prefix, plain = ("b.", word[2:]) if word[:2].lower() == "b." else ("", word)
        if known := bare_words().get(plain.lower()):
            return [Term(prefix + known, (plain.lower(),))]
        return [Term("text", (Match(word),))]

    def _field(self, name: str, after: int, negate: bool) -> list[Node]:
        try:
            key = find_key(name)
        finally:
            self.at = after
            value_at = self.at
            self._word(empty=True)  # the whole token, for errors
            token_end, self.at = self.at, value_at
        if key is None:
            self.at = token_end
            raise _unknown(name, self.text[value_at:token_end])
        if token_end == value_at:
            values = key.field.completions
            example = f", for example {key.field.name}:{values[0]}" if values else ""
            raise NliError(f"{key.field.name}: lacks a value", f"{key.field.help}{example}")
        if key.field.kind == "setting":
            if negate or self.depth:
                self.at = token_end
                raise NliError(f"{key.field.name}: stands alone", "without - and brackets")
            self._setting(key.field)
            return []
        if key.field.kind == "search":
            return self._search(key)
        return [Term(key.name, tuple(dict.fromkeys(self._values(key.field))))]

    def _setting(self, field: Field) -> None:
        if field.name == "b":
            self.others = tuple(dict.fromkeys(map(str, self._values(field))))
            return
        text = self._quoted() if self.text.startswith('"', self.at) else self._word()
        if field.name == "sort":
            self.sort = read_sort(text)
        else:
            self.limit = read_limit(text)

    def _search(self, key: Key) -> list[Node]:
        if (pattern := self._regex()) is not None:
            return [Term(key.name, (pattern,))]
        if not self.text.startswith('"', self.at):
            text = self._word()
        else:
            phrase = self._phrase()
            text = _not_empty(key.field, phrase.text)
            # Of text: the quotes hold words, as they always did.
            if key.field.name != "text" or phrase.kind == "word":
                return [Term(key.name, (phrase,))]
        return [Term(key.name, (match,)) for match in read_matches(text)]

    def _values(self, field: Field) -> list[Value]:
        values: list[Value] = []
        while True:
            quoted = self.text.startswith('"', self.at)
            text = self._quoted(comma=True) if quoted else self._word(comma=True)
            _not_empty(field, text)
            values.append(text if quoted and field.kind == "any" else read_value(field, text))
            if not self.text.startswith(",", self.at):
                return values
            self.at += 1

    def _word(self, *, comma: bool = False, empty: bool = False) -> str:
        """Up to the next space, or the bracket that closes a group."""
        match = _WORD.match(self.text, self.at)
        word = match.group() if match else ""
        if comma:
            word = word.partition(",")[0]
        if self.depth:
            opened = word.count("(")
            while word.endswith(")") and word.count(")") > opened:
                word = word[:-1]
        if not word and not empty and not comma:
            word = self.text[self.at : self.at + 1]
        self.at += len(word)
        return word

    def _phrase(self) -> Match:
        """`"two words"` as they stand, `"two wor"*` by its beginning."""
        match = _QUOTED.match(self.text, self.at)
        if match and self.text.startswith("*", match.end()) and self._ends(match.end() + 1, False):
            self.at = match.end() + 1
            return Match(_unquoted(match), "word")
        return Match(self._quoted(), "phrase")

    def _quoted(self, *, comma: bool = False) -> str:
        match = _QUOTED.match(self.text, self.at)
        if match is None or not self._ends(match.end(), comma):
            self._word(empty=True)
            raise NliError("a quotation mark is open", 'close it: "two words"')
        self.at = match.end()
        return _unquoted(match)

    def _regex(self) -> Match | None:
        match = _REGEX.match(self.text, self.at)
        if match is None or not self._ends(match.end(), False):
            return None
        self.at = match.end()
        check_regex(match.group(1))
        return Match(match.group(1), "regex")

    def _ends(self, at: int, comma: bool) -> bool:
        """Whether a part may end here."""
        rest = self.text[at : at + 1]
        return not rest or rest.isspace() or (comma and rest == ",") or (
            bool(self.depth) and rest == ")"
        )  # fmt: skip

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        assert match
        self.at = match.end()

    def _is_bar(self) -> bool:
        return (self.text.startswith("|", self.at) and self._ends(self.at + 1, False)) or (
            self.text.startswith("|(", self.at)
        )  # fmt: skip

    def _closes(self) -> bool:
        return bool(self.depth) and self.text.startswith(")", self.at)

    def _fail(self, message: str, hint: str, start: int, end: int) -> NoReturn:
        raise FilterError(message, hint, self.text[start:end], start)


def read_limit(text: str) -> int:
    """A number of rows."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise NliError(f"limit:{text} is not understood", "limit: takes a whole number")
    return int(text)


def _unquoted(match: re.Match[str]) -> str:
    return match.group(1).replace('""', '"')


def _not_empty(field: Field, text: str) -> str:
    if not text:
        raise NliError(f"{field.name}: lacks a value", field.help)
    return text


def _unknown(name: str, value: str) -> NliError:
    plain = name.lower()
    prefix = "b." if plain.startswith("b.") else ""
    names = [each for f in FIELDS.values() for each in (f.name, *f.aliases)]
    stem = plain.removeprefix(prefix).partition(".")[0]
    if (field := find_field(stem)) and field.argument:
        return NliError(f"{field.name}: lacks a column", f"say {field.name}.{field.argument}:value")
    close = difflib.get_close_matches(plain.removeprefix(prefix), names, 1)
    return NliError(
        f"unknown field {name!r}",
        f"did you mean {prefix}{close[0]}: ?"
        if close
        else f'fields: {", ".join(FIELDS)}; to search for it, quote it: "{name}:{value}"',
    )
