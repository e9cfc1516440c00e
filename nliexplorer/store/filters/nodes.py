"""What a filter says, as a tree: terms, joined by and / or, negated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Range:
    """low <= value <= high; None is open. Strict bounds are the next number inward."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Text to search for: a word by its beginning, a phrase, or a regular expression."""

    text: str
    kind: Literal["word", "phrase", "regex"] = "word"


Value = str | Range | Match


@dataclass(frozen=True, slots=True)
class Term:
    """A field has one of the values. `name` is the field's name, with what it takes:
    `meta.COLUMN`, or `b.NAME` for the field of the other run.
    """

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    node: Node


@dataclass(frozen=True, slots=True)
class And:
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    nodes: tuple[Node, ...]


Node = Term | Not | And | Or


def terms_of(node: Node) -> Iterator[Term]:
    """Every term of the tree, from left to right."""
    if isinstance(node, Term):
        yield node
    elif isinstance(node, Not):
        yield from terms_of(node.node)
    else:
        for each in node.nodes:
            yield from terms_of(each)


def conjuncts(node: Node) -> tuple[Node, ...]:
    """The nodes that all have to hold."""
    return node.nodes if isinstance(node, And) else (node,)


def joined(nodes: list[Node], kind: type[And] | type[Or]) -> Node:
    """The nodes under one And or Or, without Ands in an And; a single one is itself."""
    flat: list[Node] = []
    for node in nodes:
        flat += node.nodes if isinstance(node, kind) else [node]
    flat = list(dict.fromkeys(flat))
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def negated(node: Node) -> Node:
    return node.node if isinstance(node, Not) else Not(node)
