"""Searches for words and phrases as queries of the full-text index."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nliexplorer.errors import NliError
from nliexplorer.store.filters.nodes import Match, Node, Term

#: Scripts without spaces between words, which full-text search takes for one long word: Thai, Lao,
#: Myanmar, Khmer, kana, Chinese characters.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


def full_text(nodes: Sequence[Node]) -> tuple[str, list[Node]]:
    """(one full-text query for all conjuncts that are words or phrases, the others)."""
    searched: list[str] = []
    empty: list[str] = []  # punctuation, which nothing is searched for
    rest: list[Node] = []
    for node in nodes:
        query = fts_query(node) if isinstance(node, Term) else None
        if query is None:
            rest.append(node)
        elif query:
            searched.append(query)
        else:
            empty += [value.text for value in node.values if isinstance(value, Match)]  # type: ignore[union-attr]
    if empty and not searched:
        raise nothing_to_search(" ".join(empty))
    return " ".join(searched), rest


def has_words(query: str, alias: str) -> tuple[str, list[object]]:
    """The condition that the pair of the row `alias` meets the full-text query."""
    return (
        f"{alias}.example_id in (select rowid from examples_fts where examples_fts match ?)",
        [query],
    )


def fts_query(term: Term) -> str | None:
    """The full-text query of a search for a word or phrase; "" where nothing is to be searched,
    None for what the index cannot answer: other fields, patterns, scripts without spaces.

    Everything is quoted, so that nothing in it is an operator; words are found by their beginning.
    """
    if term.name not in ("text", "premise", "hypothesis"):
        return None
    (match,) = term.values
    assert isinstance(match, Match)
    if match.kind == "regex" or _UNSPACED.search(match.text):
        return None
    if not any(character.isalnum() for character in match.text):
        return ""
    column = "" if term.name == "text" else f"{term.name} : "
    text = match.text.replace('"', '""').replace("\0", " ")
    return f'{column}"{text}"{"" if match.kind == "phrase" else "*"}'


def nothing_to_search(text: str) -> NliError:
    return NliError(f"there is nothing to search for in {text!r}", "give a word or a part of one")
