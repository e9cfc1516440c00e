"""`nliexplorer examples` and `errors`: browse pairs from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from nliexplorer.cli.common import (
    DbOption,
    JsonOption,
    RunArgument,
    SplitOption,
    database,
    out,
    palette,
    print_json_list,
    with_filters,
)
from nliexplorer.records import EvaluationRef, token_dicts
from nliexplorer.store.filters import Filter, sentence
from nliexplorer.store.reader import StoreReader
from nliexplorer.view.text import visible

AttributionsOption = Annotated[
    bool,
    typer.Option(
        "--attributions", help="Include each token's score where attributions are stored."
    ),
]
#: Rows of a table where no --limit says otherwise.
SHOWN = 20
_BATCH = 500


@with_filters()
def examples(
    run: RunArgument,
    filter: Filter,
    split: SplitOption = None,
    attributions: AttributionsOption = False,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """List pairs with a run's predictions, filtered and sorted.

    Example: nliexplorer examples baseline --where 'negation:yes sort:-loss' --limit 10
    """
    list_pairs(run, filter, split, attributions, db, json_)


def list_pairs(
    run: str,
    filter: Filter,
    split: str | None,
    attributions: bool,
    db: Path | None,
    json_: bool,
) -> None:
    """What both commands do."""
    with StoreReader(database(db)) as reader:
        evaluation = reader.runs.evaluation(run, split)
        if json_:
            ids = reader.predictions.ids(evaluation, filter)
            print_json_list(_documents(reader, evaluation.run_id, ids, attributions))
        else:
            _show(reader, evaluation, filter, attributions)


@with_filters("wrong")
def errors(
    run: RunArgument,
    filter: Filter,
    split: SplitOption = None,
    attributions: AttributionsOption = False,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """The pairs that a run gets wrong: `examples --wrong`.

    Example: nliexplorer errors baseline --gold neutral --min-length 30 --attributions
    """
    list_pairs(run, filter.with_value("is", "wrong"), split, attributions, db, json_)


def _documents(
    reader: StoreReader, run_id: str, ids: Any, attributions: bool
) -> Iterator[dict[str, Any]]:
    for start in range(0, len(ids), _BATCH):
        rows = reader.predictions.rows_by_id(ids[start : start + _BATCH])
        by_pair = (
            reader.attributions.of_pairs(run_id, [r.example_id for r in rows])
            if attributions
            else {}
        )
        for row in rows:
            document = row.as_dict()
            if attributions:
                one = by_pair.get(row.example_id)
                document["attributions"] = (
                    token_dicts(one.tokens, one.segments, one.scores) if one else []
                )
                document["completeness_delta"] = one.completeness_delta if one else None
            yield document


def _show(
    reader: StoreReader, evaluation: EvaluationRef, filter: Filter, attributions: bool
) -> None:
    from nliexplorer.view.listing import examples_table

    total = reader.predictions.count(evaluation, filter)
    limit = SHOWN if filter.limit is None else filter.limit
    rows = reader.predictions.rows(evaluation, replace(filter, limit=limit))
    keys = [row.example_id for row in rows]
    by_pair = reader.attributions.of_pairs(evaluation.run_id, keys) if attributions else None
    console = out()
    if rows:
        console.print(examples_table(rows, by_pair, palette(console)))
    condition = visible(sentence(filter))
    summary = _summary(len(rows), total, filter.limit is None, condition)
    console.print(summary, markup=False, style="dim", soft_wrap=True)


def _summary(shown: int, total: int, may_ask: bool, condition: str) -> str:
    if not total:
        return f"no pair passes the filter: {condition}" if condition else "there are no pairs"
    if shown == total:
        return f"{total:,} pairs" if total > 1 else "1 pair"
    return f"{shown:,} of {total:,} pairs" + (f"; more with --limit {total}" if may_ask else "")
