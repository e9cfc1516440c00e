"""`nliexplorer slices`: error rates by length, label and the like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

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
from nliexplorer.progress import say
from nliexplorer.store.filters import Filter, find_key
from nliexplorer.store.reader import StoreReader
from nliexplorer.view.palette import MOST_RUNS

if TYPE_CHECKING:
    from nliexplorer.comparison.slices import SlicedRuns

_HYPOTHESIS_ONLY = "hypothesis-only"


@with_filters("sort", "limit")
def slices(
    run: RunArgument,
    filter: Filter,
    others: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...", help="Further runs, up to seven, each compared with the first."
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="KEY",
            help="length, length-quantile, gold, predicted, overlap, negation, agreement, "
            "hypothesis-only, confidence, attribution-variance, …, any numeric or choice field of "
            "the filter language (loss, margin, learnt, map, meta.COLUMN, …), or all. Repeatable; "
            "default: length.",
        ),
    ] = None,
    find: Annotated[
        int | None,
        typer.Option(
            "--find",
            min=1,
            metavar="N",
            help="The N slices where the runs differ most; of three or more, each from the first.",
        ),
    ] = None,
    split: SplitOption = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Error rates by slice with intervals; of further runs also their difference from the first.

    --by hypothesis-only fits a model that never sees the premise, out of fold: what it gets wrong
    is the hard subset. --find tries all slices and their intersections of two, with --by those of
    the keys given. With several runs, a key about answers, such as predicted, slices all by the
    first run's answers.

    Example: nliexplorer slices baseline ig-variance --find 10
    """
    if find is not None and not others:
        raise typer.BadParameter("--find takes two runs or more")
    keys = list(dict.fromkeys(by or ([] if find else ["length"])))
    refs = [run, *(others or ())]
    if len(refs) > MOST_RUNS:
        raise typer.BadParameter(f"at most {MOST_RUNS} runs")
    with StoreReader(database(db)) as reader:
        sliced = _sliced(reader, refs, split, filter, keys, "all" in keys or not keys)
    if "all" in keys:
        keys = [] if find else list(sliced.keys)
    if json_:
        print_json(sliced.find_documents(find, keys) if find else sliced.documents(keys))
    else:
        _print(sliced, keys, find)


def _sliced(
    reader: StoreReader,
    refs: list[str],
    split: str | None,
    filter: Filter,
    keys: Sequence[str],
    every_key: bool,
) -> SlicedRuns:
    """The runs with the columns of `keys`; fields of the filter language serve as keys too."""
    from nliexplorer.analysis.slicing import slice_keys
    from nliexplorer.comparison.pairs import pair_runs
    from nliexplorer.comparison.slices import fit_hypothesis_only, slice_runs

    paired = pair_runs(reader, refs, split, filter)
    for note in paired.notes:
        say(note)
    known = {key.name for key in slice_keys()}
    fields = [key for key in keys if key not in known and find_key(key) and "meta." not in key]
    fitted = None
    hypothesis_only = _HYPOTHESIS_ONLY in keys
    if every_key or hypothesis_only:
        try:
            fitted = fit_hypothesis_only(reader, paired)
        except NliError:
            if hypothesis_only:
                raise
    return slice_runs(reader, paired, hypothesis_only=fitted, fields=fields)


def _print(sliced: SlicedRuns, keys: list[str], find: int | None) -> None:
    from nliexplorer.view.tables_errors import (
        slice_differences_table,
        slices_of_runs_table,
        slices_table,
    )

    paired, console = sliced.paired, out()
    print_overlap(paired.overlaps)
    if len(paired.sides) == 1:
        for cut in sliced.cuts(keys):
            rows = [row.errors[0] for row in cut.rows]
            console.print(slices_table(rows, f"{paired.names[0]} by {cut.key}"))
        return
    runs = range(1, len(paired.sides))
    if find:
        for other in runs:
            if other > 1:
                console.print()
            rows_ = sliced.find(find, other, keys)
            console.print(slice_differences_table(rows_, paired.names, other=other))
        return
    cut_by = {key: sliced.cut_by(key) for key in keys}
    differences = sliced.differences(keys)
    if len(runs) == 1:
        console.print(slice_differences_table(differences[0], paired.names, cut_by=cut_by))
    else:
        console.print(slices_of_runs_table(differences, paired.names, cut_by=cut_by))
