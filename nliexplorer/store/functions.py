"""What SQL asks of Python: facts of a pair's words, in the words of `nliexplorer.wording`."""

from __future__ import annotations

import math
import sqlite3

from nliexplorer.wording import has_negation, lexical_overlap


def add_functions(connection: sqlite3.Connection) -> None:
    """`word_overlap(premise, hypothesis)`, `negated(text)`, and `square_root(x)`.

    Not every SQLite is built with a square root of its own.
    """
    connection.create_function("word_overlap", 2, lexical_overlap, deterministic=True)
    connection.create_function("negated", 1, has_negation, deterministic=True)
    connection.create_function("square_root", 1, _square_root, deterministic=True)


def _square_root(value: float | None) -> float | None:
    return None if value is None else math.sqrt(value)
