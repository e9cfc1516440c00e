"""`nliexplorer compare`: is B better than A?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nliexplorer.cli.common import (
    DbOption,
    JsonOption,
    SplitOption,
    database,
    out,
    print_json,
    print_overlap,
    with_filters,
)
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader

if TYPE_CHECKING:
    from nliexplorer.analysis.significance import Comparison
    from nliexplorer.workflow.compare import GroupComparison, PairedRuns


@with_filters("sort", "limit")
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A run, such as the baseline.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The run to compare with it.")],
    wanted: Filter,
    group: Annotated[
        bool,
        typer.Option(
            "--group",
            help="A and B are groups of runs, such as seeds: runs with commas between them, a "
            "pattern ('s-baseline-*'), the stem of names that end in -s0, -s1, …, or an objective.",
        ),
    ] = False,
    split: SplitOption = None,
    resamples: Annotated[
        int | None, typer.Option(min=100, help="Bootstrap resamples; default 10,000 or fewer.")
    ] = None,
    matrices: Annotated[
        bool, typer.Option("--confusion", help="With Fig. 9, both confusion matrices.")
    ] = False,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """The paper's Table 1 with paired bootstrap intervals and the exact McNemar test.

    With --group: means over seeds with 95 % intervals, the test over seeds, and a plain sentence.
    """
    if group:
        if resamples is not None or matrices:
            name = "--resamples" if resamples is not None else "--confusion"
            raise typer.BadParameter(f"{name} is of two runs; groups are tested over seeds")
        _print_groups(_groups(database(db), a, b, split, wanted), json_)
        return
    paired = _paired(database(db), a, b, split, wanted)
    result = paired.compare(resamples)
    tables = paired.confusions() if matrices else ()
    if json_:
        named = zip("ab", tables, strict=False)
        more = {"confusion": {side: each.as_dict() for side, each in named}} if matrices else {}
        print_json(result.as_dict() | {"overlap": paired.overlaps()} | more)
        return
    _print(paired, result)
    if matrices:
        from nliexplorer.view.tables_errors import confusion_table

        console = out()
        console.print()
        names = (f"A · {result.a}", f"B · {result.b}")
        console.print(confusion_table(list(zip(names, tables, strict=True))))


def _paired(
    db: Path, a: str, b: str, split: str | None = None, wanted: Filter | None = None
) -> PairedRuns:
    """Two runs on the pairs both predicted."""
    from nliexplorer.workflow.compare import pair_runs

    with StoreReader(db) as reader:
        return pair_runs(reader, a, b, split, wanted)


def print_comparison(db: Path, a: str, b: str, *, split: str | None = None) -> None:
    """The comparison as a table on stdout."""
    paired = _paired(db, a, b, split)
    _print(paired, paired.compare())


def _print(paired: PairedRuns, result: Comparison) -> None:
    from nliexplorer.view.tables import comparison_table

    print_overlap(paired.overlaps().values())
    console = out()
    console.print(comparison_table(result, width=console.width))


def _groups(db: Path, a: str, b: str, split: str | None, wanted: Filter) -> GroupComparison:
    from nliexplorer.workflow.compare import compare_run_groups, group_of_runs

    with StoreReader(db) as reader:
        left, right = group_of_runs(reader, a), group_of_runs(reader, b)
        return compare_run_groups(reader, left, right, split, wanted)


def _print_groups(found: GroupComparison, json_: bool) -> None:
    if json_:
        print_json(found.as_dict())
        return
    from nliexplorer.view.tables import groups_table
    from nliexplorer.view.text import plain

    console = out()
    for letter, runs in (("A", found.a), ("B", found.b)):
        console.print(plain(f"{letter}: {', '.join(run.name for run in runs)}"))
    rest = f", {found.left_out:,} left out that some run lacks" if found.left_out else ""
    console.print(plain(f"{found.split} · {found.n:,} pairs{rest}"))
    console.print(groups_table(found.metrics))
