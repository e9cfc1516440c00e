"""`nliexplorer artefacts` and `nliexplorer suites`: shortcuts in the data, scores by data set."""

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
)
from nliexplorer.records import TWO_LABEL_RULE, EvaluationRef
from nliexplorer.store.reader import StoreReader

if TYPE_CHECKING:
    from nliexplorer.records import Run
    from nliexplorer.workflow.shortcuts import Shortcuts


def artefacts(
    run: RunArgument,
    other: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A second run, to compare.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Number of words for each label.")] = 20,
    split: SplitOption = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Overlap with training, label cues in the hypothesis, and how much each run relies on them.

    Example: nliexplorer artefacts baseline
    """
    from nliexplorer.workflow.shortcuts import shortcuts

    with StoreReader(database(db)) as reader:
        runs = [reader.runs.get(ref) for ref in (run, other) if ref is not None]
        result = shortcuts(reader, runs, split, top)
    if json_:
        print_json(result.as_dict())
    else:
        _print(result)


def _print(result: Shortcuts) -> None:
    from nliexplorer.view.tables_errors import artefacts_table
    from nliexplorer.view.text import plain

    console = out()

    def line(text: str) -> None:
        console.print(plain(text), soft_wrap=True)

    line(f"{result.data} {result.split}")
    line(
        result.overlap.sentence
        if result.overlap
        else f"overlap with training is unknown: {result.missing}"
    )
    console.print()
    floor = result.out_of_fold.majority
    line(f"hypothesis alone, five-fold: {result.out_of_fold.accuracy:.1%} (majority {floor:.1%})")
    if result.transfer:
        line(f"hypothesis alone, fitted on the training pairs: {result.transfer.accuracy:.1%}")
    line(f"{int((~result.out_of_fold.correct).sum()):,} pairs need the premise: the hard subset")
    console.print()
    line(f"words that predict a label, in {result.words_from}")
    console.print(artefacts_table(result.words))
    console.print()
    for each in result.attribution:
        if each.share is None or each.even is None:
            line(f"{each.run}: no attributions of pairs that have such a word")
            continue
        line(
            f"{each.run}: {each.share:.1%} of its attribution falls on these words where they "
            f"occur ({each.even:.1%} if spread evenly), {each.n:,} pairs"
        )
        if each.unreliable:
            line(
                f"⚠ {each.run}: {each.unreliable:,} of {each.attributed:,} attributions are "
                "unreliable: they miss the logit difference by more than 10 % of their mass"
            )


def suites(run: RunArgument, db: DbOption = None, json_: JsonOption = False) -> None:
    """Metrics of one run on every split and data set it was evaluated on.

    Example: nliexplorer suites baseline
    """
    with StoreReader(database(db)) as reader:
        rows = suite_rows(reader, reader.runs.get(run))
    if json_:
        print_json(rows)
        return
    if not rows:
        typer.echo("this run has not been evaluated yet; see: nliexplorer evaluate --help")
        return
    from nliexplorer.view.tables import suites_table
    from nliexplorer.view.text import plain

    console = out()
    for row in rows:
        if row["overlap"]:
            console.print(plain(f"{row['split']}: {row['overlap']}"), style="dim", soft_wrap=True)
    console.print(suites_table(rows))
    if any(row["two_label"] for row in rows):
        console.print(plain(f"² {TWO_LABEL_RULE}"), style="dim", soft_wrap=True)


def suite_rows(reader: StoreReader, run: Run) -> list[dict[str, Any]]:
    """The `suites` document: each evaluation's metrics, accuracy with its 95 % Wilson interval."""
    from nliexplorer.analysis.intervals import wilson
    from nliexplorer.analysis.leakage import known_overlap

    rows = []
    for split, metrics in run.metrics.items():
        ends: tuple[float | None, float | None] = (None, None)
        if metrics.scored:
            low, high = wilson(round((metrics.accuracy or 0.0) * metrics.scored), metrics.scored)
            ends = float(low), float(high)
        rows.append(
            {"run": run.id, "split": split, **metrics.as_dict()}
            | {"ci_low": ends[0], "ci_high": ends[1]}
            | {"two_label": reader.runs.two_label(EvaluationRef(run.id, split))}
            | {"overlap": known_overlap(run.summary, split)}
        )
    return rows
