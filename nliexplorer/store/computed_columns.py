"""Columns that follow from others: what identifies an evaluation, what filters look up of a pair,
confidence of two labels.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from nliexplorer.annotators import SHARES
from nliexplorer.progress import Advance
from nliexplorer.records import NON_ENTAILMENT, pairs_fingerprint


class Fact(NamedTuple):
    """A column of `examples`: its type, and the expression over the row that gives its value."""

    type: str
    sql: str


#: What few pairs have; asked first, since a call of Python takes ten times as long.
_ANNOTATED = f"annotator_labels is not null or instr(extra, '{SHARES}')"
#: Column -> what it holds; the expressions call `functions.add_functions`. Filter fields that are
#: `of_pair` read these columns.
EXAMPLE_FACTS = {
    "overlap": Fact("real", "word_overlap(premise, hypothesis)"),
    "negation": Fact("integer", "negated(hypothesis)"),
    "agreement": Fact(
        "real", f"case when {_ANNOTATED} then annotator_share(annotator_labels, extra, gold) end"
    ),
    "annotator_entropy": Fact(
        "real", f"case when {_ANNOTATED} then annotator_entropy(annotator_labels, extra) end"
    ),
    "majority": Fact(
        "integer", f"case when {_ANNOTATED} then annotator_majority(annotator_labels, extra) end"
    ),
}
_LACKING = "select id from examples where overlap is null"
_ASSIGNMENTS = ", ".join(f"{name} = {fact.sql}" for name, fact in EXAMPLE_FACTS.items())
_SET_FACTS = f"update examples set {_ASSIGNMENTS} where id in ({_LACKING} limit 10000)"
#: Stands for `examples` in a database of schema 3 that cannot be upgraded: computes what is not
#: stored.
FACTS_VIEW = (
    "create temp view examples as "
    f"select *, {', '.join(f'{fact.sql} as {name}' for name, fact in EXAMPLE_FACTS.items())} "
    "from main.examples"
)


def set_example_facts(connection: sqlite3.Connection, advance: Advance | None = None) -> None:
    """Of every pair that lacks them; the connection has the functions."""
    total = connection.execute(f"select count(*) from ({_LACKING})").fetchone()[0] if advance else 0
    done = 0
    while changed := connection.execute(_SET_FACTS).rowcount:
        done += changed
        if advance:
            advance(done, total)


def evaluation_keys(
    connection: sqlite3.Connection, evaluation_id: int, schema: str = "main"
) -> list[str]:
    """Content addresses of an evaluation's pairs, in no order."""
    rows = connection.execute(
        f"select x.key from {schema}.predictions p "
        f"join {schema}.examples x on x.id = p.example_id where p.evaluation_id = ?",
        (evaluation_id,),
    )
    return [row[0] for row in rows]


def set_fingerprint(connection: sqlite3.Connection, evaluation_id: int) -> None:
    """From the pairs that the evaluation has predictions of."""
    connection.execute(
        "update evaluations set fingerprint = ? where id = ?",
        (pairs_fingerprint(evaluation_keys(connection, evaluation_id)), evaluation_id),
    )


def set_all(connection: sqlite3.Connection) -> None:
    """Of every evaluation, where an older schema had neither."""
    for (evaluation_id,) in connection.execute("select id from evaluations where complete"):
        set_fingerprint(connection, evaluation_id)
    # As Prediction.confidence has it in sets of two labels.
    connection.execute(
        "update predictions set confidence = "
        "case predicted when 0 then p_entailment else 1.0 - p_entailment end "
        "where p_entailment is not null and predicted is not null and evaluation_id in "
        "(select v.id from evaluations v where exists (select 1 from predictions p "
        f"where p.evaluation_id = v.id and p.gold = {NON_ENTAILMENT}))"
    )
