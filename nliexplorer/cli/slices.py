"""`nliexplorer slices`: error rates by length, label and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nliexplorer.cli.common import (
    DbOption,
    JsonOption,
    RunArgument,
    SplitOption,
    database,
    out,
    print_json,
    with_filters,
)
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader

if TYPE_CHECKING:
    from nliexplorer.analysis.slices import Slice, SliceDifference


@with_filters("sort", "limit")
def slices(
    run: RunArgument,
    wanted: Filter,
    other: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A second run, to compare.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="KEY", help="Default: length. Repeatable.")
    ] = None,
    split: SplitOption = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Error rate by slice with its interval; of two runs, with their difference."""
    keys = by or ["length"]
    with StoreReader(database(db)) as reader:
        if other is None:
            _one(reader, run, keys, split, wanted, json_)
        else:
            _two(reader, run, other, keys, split, wanted, json_)


def _one(
    reader: StoreReader, ref: str, keys: list[str], split: str | None, wanted: Filter, json_: bool
) -> None:
    from nliexplorer.analysis.slices import slice_errors
    from nliexplorer.view.tables_errors import slices_table
    from nliexplorer.workflow.slicing import slice_table

    run = reader.run(ref)
    table = slice_table(reader, run.id, reader.arrays(run.id, split, wanted))
    found = {key: slice_errors(table, key) for key in keys}
    if json_:
        print_json([_document(run.name, row) for rows in found.values() for row in rows])
        return
    for key, rows in found.items():
        out().print(slices_table(rows, f"{run.name} by {key}"))


def _two(
    reader: StoreReader,
    a: str,
    b: str,
    keys: list[str],
    split: str | None,
    wanted: Filter,
    json_: bool,
) -> None:
    from nliexplorer.analysis.slices import slice_differences, slice_errors
    from nliexplorer.view.tables_errors import slice_differences_table
    from nliexplorer.workflow.slicing import slice_table

    one, two = reader.run(a), reader.run(b)
    left, right, only_a, only_b = reader.paired(one.id, two.id, split, wanted)
    table = slice_table(reader, one.id, left)
    differences = slice_differences(table, right.correct, keys)
    if only_a or only_b:
        typer.echo(f"left out, in one run alone: {only_a:,} and {only_b:,} pairs", err=True)
    if not json_:
        for key in keys:
            rows = [row for row in differences if row.key == key]
            out().print(slice_differences_table(rows, (one.name, two.name)))
        return
    from dataclasses import replace

    by_slice = {(row.key, row.slice): row for row in differences}
    documents = []
    # Slices are cut by a's columns in both, so that the two runs' rows speak of the same pairs.
    for name, arrays in ((one.name, left), (two.name, right)):
        own = replace(table, correct=arrays.correct)
        for key in keys:
            documents += [
                _document(name, row, by_slice.get((key, row.slice)))
                for row in slice_errors(own, key)
            ]
    print_json(documents)


def _document(run: str, row: Slice, difference: SliceDifference | None = None) -> dict[str, Any]:
    document: dict[str, Any] = {"run": run, **row.as_dict()}
    if difference is not None:
        document["difference"] = {
            name: getattr(difference, name)
            for name in ("delta", "ci_low", "ci_high", "fixed", "broken", "p", "q")
        }
    return document
