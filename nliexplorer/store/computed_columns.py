"""Columns that follow from other rows: what identifies an evaluation, confidence of two labels."""

from __future__ import annotations

import sqlite3

from nliexplorer.records import NON_ENTAILMENT, pairs_fingerprint


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
