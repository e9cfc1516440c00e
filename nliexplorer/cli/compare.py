"""`nliexplorer compare`: is B better than A?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nliexplorer.analysis.gate import Condition, Difference, parse_condition
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
from nliexplorer.errors import NliError
from nliexplorer.store.filters import EVERYTHING, Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.view.text import visible

if TYPE_CHECKING:
    from nliexplorer.comparison.groups import GroupComparison

#: Letters that name the runs.
_MOST = 26


@with_filters("sort", "limit")
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A run, such as the baseline.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The run to compare with it.")],
    filter: Filter,
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[C]...", help="Further runs, each compared with A."),
    ] = None,
    group: Annotated[
        bool,
        typer.Option(
            "--group",
            help="A and B are groups of runs, such as seeds: runs with commas between them, a "
            "pattern ('s-baseline-*'), an arm (the stem of names that end in -s0, -s1, …), or an "
            "objective.",
        ),
    ] = False,
    split: SplitOption = None,
    resamples: Annotated[
        int | None,
        typer.Option(min=100, help="Bootstrap resamples; default: 10,000, fewer for large sets."),
    ] = None,
    matrices: Annotated[
        bool, typer.Option("--confusion", help="Also print each run's confusion matrix (Fig. 9).")
    ] = False,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            metavar="CONDITION",
            help="Exit with code 3 where B − A meets it, such as 'accuracy < -0.5' (points) or, on "
            "the ends of the 95 % interval, 'accuracy.high < 0' and 'ece.low > 1'. Repeatable.",
        ),
    ] = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """The paper's Table 1 with 95 % intervals and the exact McNemar test.

    With --group: means over seeds with 95 % intervals, the test over seeds, and a plain sentence.

    Example: nliexplorer compare released candidate --fail-if 'accuracy.low < -1'
    """
    conditions = [_condition(text) for text in fail_if or ()]
    refs = [a, b, *(more or ())]
    if group:
        if resamples is not None or matrices or more:
            what = "--resamples" if resamples is not None else "--confusion"
            what = "a third run" if more else what
            raise typer.BadParameter(f"{what} does not go with --group: two groups, over seeds")
        with StoreReader(database(db)) as reader:
            groups = _groups(reader, a, b, split, filter)
        _print_groups(groups, json_)
        _gate(conditions, [(b, groups.metrics)])
        return
    if len(refs) > _MOST:
        raise typer.BadParameter(f"at most {_MOST} runs")
    differences = _compare(database(db), refs, split, filter, resamples, matrices, json_)
    _gate(conditions, differences)


def _condition(text: str) -> Condition:
    try:
        return parse_condition(text)
    except NliError as error:
        raise typer.BadParameter(f"--fail-if: {error.message}; {error.hint}") from None


def _gate(
    conditions: Sequence[Condition], runs: Sequence[tuple[str, Sequence[Difference]]]
) -> None:
    """Exit code 3, and one line for each run and condition that it meets."""
    failures = [
        f"{name}: {failure}"
        for name, differences in runs
        for condition in conditions
        if (failure := condition.failure(differences))
    ]
    for line in failures:
        typer.echo(visible(line), err=True)
    if failures:
        raise typer.Exit(3)


def print_comparison(db: Path, a: str, b: str, *, split: str | None = None) -> None:
    """The comparison of two runs as a table on stdout."""
    _compare(db, [a, b], split)


def _compare(
    db: Path,
    refs: list[str],
    split: str | None = None,
    filter: Filter = EVERYTHING,
    resamples: int | None = None,
    matrices: bool = False,
    json_: bool = False,
) -> list[tuple[str, list[Difference]]]:
    """Prints; returns each later run's name and its differences from the first."""
    from nliexplorer.comparison.pairs import pair_runs
    from nliexplorer.comparison.soft_labels import compare_soft_labels
    from nliexplorer.comparison.tables import comparison_document, comparisons, confusions
    from nliexplorer.progress import say
    from nliexplorer.view.tables import (
        comparison_table,
        comparisons_table,
        letter_of,
        soft_labels_table,
    )
    from nliexplorer.workflow.label_order import stored_notes

    with StoreReader(db) as reader:
        paired = pair_runs(reader, refs, split, filter)
        for run, note in stored_notes(
            reader, [reader.runs.get(ref) for ref in dict.fromkeys(refs)]
        ):
            say(f"{run.name} on {note}")
        soft = compare_soft_labels(reader, paired, resamples)
    results = comparisons(paired, resamples)
    softly = soft.differences if soft else ((),) * len(results)
    differences: list[tuple[str, list[Difference]]] = [
        (result.b, [*result.metrics, *of_soft])
        for result, of_soft in zip(results, softly, strict=True)
    ]
    tables = confusions(paired) if matrices else ()
    if json_:
        document = comparison_document(paired, results)
        if matrices:
            lettered = ((letter_of(i).lower(), table) for i, table in enumerate(tables))
            document["confusion"] = {side: table.as_dict() for side, table in lettered}
        if soft:
            letters = [letter_of(i).lower() for i in range(len(refs))]
            document["soft_labels"] = soft.as_dict(letters)
        print_json(document)
        return differences
    from nliexplorer.view.tables_errors import confusion_table

    print_overlap(paired.overlaps)
    console = out()
    if len(results) == 1:
        console.print(comparison_table(results[0], paired.count, width=console.width))
    else:
        console.print(comparisons_table(results, paired.count, paired.left_out))
    if soft:
        console.print()
        console.print(soft_labels_table(paired.names, soft))
    if matrices:
        console.print()
        names = [f"{letter_of(i)} · {name}" for i, name in enumerate(paired.names)]
        console.print(confusion_table(list(zip(names, tables, strict=True))))
    return differences


def _groups(
    reader: StoreReader, a: str, b: str, split: str | None, filter: Filter
) -> GroupComparison:
    from nliexplorer.comparison.groups import compare_run_groups, group_of_runs

    groups = group_of_runs(reader, a), group_of_runs(reader, b)
    return compare_run_groups(reader, *groups, split, filter)


def _print_groups(comparison: GroupComparison, json_: bool) -> None:
    if json_:
        print_json(comparison.as_dict())
        return
    from nliexplorer.view.tables import groups_table
    from nliexplorer.view.text import plain

    console = out()
    for letter, runs in (("A", comparison.a), ("B", comparison.b)):
        console.print(plain(f"{letter}: {', '.join(run.name for run in runs)}"))
    rest = f", {comparison.left_out:,} left out that some run lacks" if comparison.left_out else ""
    console.print(plain(f"{comparison.split} · {comparison.n:,} pairs{rest}"))
    for note in comparison.notes:
        console.print(plain(note), style="yellow")
    console.print(groups_table(comparison.metrics))
