"""What an evaluation is called: one name means one set of pairs."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Literal, NamedTuple

from nliexplorer.records import pairs_fingerprint
from nliexplorer.store.computed_columns import evaluation_keys

Relation = Literal["same", "part", "whole", "other"]


class SplitName(NamedTuple):
    """The name to store an evaluation under, and notes for the user, usually none."""

    name: str
    note: str = ""


def split_name(
    connection: sqlite3.Connection,
    run_id: str,
    split: str,
    keys: Collection[str],
    *,
    replace: bool = False,
    keep_all: bool = False,
) -> SplitName:
    """`split` for the pairs with these `keys`, or `split@2`, `split@3`, … where it is taken.

    A run's evaluation of the same pairs is replaced by the new one, and so is one of some of them.
    Another set under the name stays, and so does a larger one of which these pairs are a part,
    unless `replace`. Under `keep_all` only the same pairs share a name. What other runs call
    `DATA:SPLIT` counts too: there the name identifies the file.
    """
    if replace:
        return SplitName(split, _replaced(connection, run_id, split, keys))
    number, reason = 1, ""
    while True:
        name = split if number == 1 else f"{split}@{number}"
        taken = ""
        for row in _evaluations(connection, name, run_id, everywhere=":" in split):
            relation = _relation(connection, keys, row)
            if row["run_id"] != run_id:
                if relation == "other":
                    taken = f"{name} is another set of {row['n']:,} pairs in run {row['run']}"
                continue
            if relation == "same":
                break
            if relation == "whole" and not keep_all:
                return SplitName(name, _replaced(connection, run_id, name, keys))
            taken = f"{name} is another set of {row['n']:,} pairs"
            if relation == "part":
                taken = (
                    f"{name} has {row['n']:,} pairs, these {len(keys):,} among them "
                    "(--replace replaces all)"
                )
            break
        if not taken:
            return SplitName(name, f"{reason}: these are kept apart as {name}" if reason else "")
        number, reason = number + 1, reason or taken


def base_name(split: str) -> str:
    """`split` without the `@2` that `split_name` gave it."""
    stem, at, number = split.rpartition("@")
    return stem if at and number.isdigit() else split


def _evaluations(
    connection: sqlite3.Connection, name: str, run_id: str, *, everywhere: bool
) -> list[sqlite3.Row]:
    """Complete evaluations of that name: the run's own first, then one per set of other runs."""
    return connection.execute(
        "select v.id, v.run_id, v.fingerprint, v.n, r.name as run from main.evaluations v "
        "join main.runs r on r.id = v.run_id where v.split = ? and v.complete "
        "and (? or v.run_id = ?) group by v.run_id = ?, v.fingerprint order by v.run_id <> ?",
        (name, everywhere, run_id, run_id, run_id),
    ).fetchall()


def _relation(connection: sqlite3.Connection, keys: Collection[str], row: sqlite3.Row) -> Relation:
    """What the pairs are to those of a stored evaluation: the same, a part, more, or others."""
    if pairs_fingerprint(keys) == row["fingerprint"]:
        return "same"
    stored = set(evaluation_keys(connection, row["id"]))
    return "part" if stored.issuperset(keys) else "whole" if stored.issubset(keys) else "other"


def _replaced(
    connection: sqlite3.Connection, run_id: str, split: str, keys: Collection[str]
) -> str:
    for row in _evaluations(connection, split, run_id, everywhere=False):
        if _relation(connection, keys, row) != "same":
            return f"{split}: {len(keys):,} pairs replace the {row['n']:,} evaluated before"
    return ""
