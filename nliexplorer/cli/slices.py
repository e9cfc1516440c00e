"""`nliexplorer slices`: error rates by length, label and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    print_overlap,
    with_filters,
)
from nliexplorer.errors import NliError
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader

if TYPE_CHECKING:
    from nliexplorer.analysis.outputs import BoolArray
    from nliexplorer.analysis.slices import Slice, SliceDifference
    from nliexplorer.analysis.slicing import SliceTable
    from nliexplorer.store.reader import PredictionArrays

_ALONE = "hypothesis-only"


@with_filters("sort", "limit")
def slices(
    run: RunArgument,
    wanted: Filter,
    other: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A second run, to compare.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="KEY",
            help="length, length-quantile, gold, predicted, overlap, negation, agreement, "
            "hypothesis-only, confidence, attribution-variance, …, a column of the source, or "
            "all. Repeatable; default: length.",
        ),
    ] = None,
    find: Annotated[
        int | None,
        typer.Option(
            "--find", min=1, metavar="N", help="The N slices where the two runs differ most."
        ),
    ] = None,
    split: SplitOption = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Error rate by slice with its interval; of two runs, with their difference.

    --by hypothesis-only fits a model that never sees the premise, out of fold: what it gets wrong
    is the hard subset. --find tries all slices and their intersections of two.
    """
    if find is not None and (other is None or by):
        raise typer.BadParameter("--find takes two runs, and no --by: it tries every way")
    keys = by or ["length"]
    with StoreReader(database(db)) as reader:
        if other is None:
            _one(reader, run, keys, split, wanted, json_)
        else:
            _two(reader, (run, other), keys, find, split, wanted, json_)


def _table(
    reader: StoreReader, run_id: str, arrays: PredictionArrays, keys: list[str]
) -> tuple[SliceTable, list[str]]:
    """The table, and the keys with `all` spelt out."""
    from nliexplorer.analysis.slicing import available_keys
    from nliexplorer.workflow.slices import fit_alone, slice_table

    alone = None
    if _ALONE in keys or "all" in keys:
        try:
            alone = fit_alone(reader, arrays)
        except NliError:
            if _ALONE in keys:
                raise
    table = slice_table(reader, run_id, arrays, alone)
    return table, list(available_keys(table)) if "all" in keys else list(dict.fromkeys(keys))


def _one(
    reader: StoreReader, ref: str, keys: list[str], split: str | None, wanted: Filter, json_: bool
) -> None:
    from nliexplorer.analysis.leakage import known_overlap
    from nliexplorer.analysis.slices import slice_errors
    from nliexplorer.view.tables_errors import slices_table

    run = reader.runs.get(ref)
    evaluation = reader.runs.evaluation(run.id, split)
    table, keys = _table(reader, run.id, reader.predictions.arrays(evaluation, wanted), keys)
    found = {key: slice_errors(table, key) for key in keys}
    if json_:
        print_json([_document(run.name, row) for rows in found.values() for row in rows])
        return
    print_overlap([known_overlap(run.summary, evaluation.split)])
    for key, rows in found.items():
        out().print(slices_table(rows, f"{run.name} by {key}"))


def _two(
    reader: StoreReader,
    names: tuple[str, str],
    keys: list[str],
    find: int | None,
    split: str | None,
    wanted: Filter,
    json_: bool,
) -> None:
    from nliexplorer.analysis.slices import find_slices, slice_differences
    from nliexplorer.view.tables_errors import slice_differences_table
    from nliexplorer.workflow.compare import pair_runs

    one, two = (reader.runs.get(name) for name in names)
    paired = pair_runs(reader, one.id, two.id, split, wanted)
    left, right = paired.arrays
    if any(paired.left_out):
        only_a, only_b = paired.left_out
        typer.echo(f"left out, in one run alone: {only_a:,} and {only_b:,} pairs", err=True)
    table, keys = _table(reader, one.id, left, ["all"] if find else keys)
    if find:
        rows = find_slices(table, right.correct, limit=find)
    else:
        rows = slice_differences(table, right.correct, keys)
    if not json_:
        print_overlap(paired.overlaps().values())
        out().print(slice_differences_table(rows, (one.name, two.name)))
    elif find:
        print_json([row.as_dict() for row in rows])
    else:
        correct = {one.name: left.correct, two.name: right.correct}
        print_json(_documents(table, correct, keys, rows))


def _documents(
    table: SliceTable,
    correct: Mapping[str, BoolArray],
    keys: list[str],
    differences: Sequence[SliceDifference],
) -> list[dict[str, Any]]:
    """Both runs' rows; cut by a's columns in both, so that they speak of the same pairs."""
    from dataclasses import replace

    from nliexplorer.analysis.slices import slice_errors

    by_slice = {(row.key, row.slice): row for row in differences}
    return [
        _document(name, row, by_slice.get((key, row.slice)))
        for name, right in correct.items()
        for key in keys
        for row in slice_errors(replace(table, correct=right), key)
    ]


def _document(run: str, row: Slice, difference: SliceDifference | None = None) -> dict[str, Any]:
    document: dict[str, Any] = {"run": run, **row.as_dict()}
    if difference is not None:
        document["difference"] = {
            name: getattr(difference, name)
            for name in ("delta", "ci_low", "ci_high", "fixed", "broken", "p", "q")
        }
    return document
