"""`nliexplorer calibration`: does confidence match accuracy?"""

from __future__ import annotations

from typing import Annotated

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
from nliexplorer.store.reader import PredictionArrays, StoreReader
from nliexplorer.view.text import plain


@with_filters("sort", "limit")
def calibration(
    run: RunArgument,
    filter: Filter,
    paper: Annotated[
        bool,
        typer.Option(
            "--paper",
            help="The paper's Fig. 10, drawn on raw logits as its code did, with a caveat.",
        ),
    ] = False,
    split: SplitOption = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Accuracy by confidence in ten bins, ECE, and the effect of temperature scaling.

    Example: nliexplorer calibration baseline --split flipped
    """
    from nliexplorer.analysis.metrics import floored_note
    from nliexplorer.comparison.pairs import pair_runs
    from nliexplorer.comparison.soft_labels import compare_soft_labels
    from nliexplorer.comparison.tables import calibrations

    with StoreReader(database(db)) as reader:
        paired = pair_runs(reader, [run], split, filter)
        soft = compare_soft_labels(reader, paired)
    (side,) = paired.sides
    if not json_:
        print_overlap(paired.overlaps)
    if paper:
        _as_published(side.run.name, side.arrays, json_)
        return
    result = calibrations(paired)[0].result
    if isinstance(result, NliError):
        raise result
    floored = floored_note(side.outputs, side.run.name)
    notes = [*paired.unanswered_notes, *([floored] if floored else [])]
    if json_:
        more = {"overlap": side.overlap, "unanswered": side.unanswered, "notes": notes}
        figures = soft.metrics[0] if soft else None
        annotators = {"soft_labels": figures.as_dict()} if figures else {}
        print_json(result.as_dict() | more | annotators)
        return
    from nliexplorer.view.tables import calibration_table, soft_labels_table

    console = out()
    console.print(calibration_table(result, f"{side.run.name} · {paired.split}"))
    if soft:
        console.print(soft_labels_table([side.run.name], soft))
    for note in notes:
        console.print(plain(note), style="yellow")


def _as_published(name: str, arrays: PredictionArrays, json_: bool) -> None:
    from nliexplorer.analysis.calibration import published_fig10

    if arrays.logits is None:
        raise NliError(
            f"run {name} has no logits, and the paper's figure is drawn on raw ones",
            "import the file again with logits as predicted_scores, or leave --paper out",
        )
    result = published_fig10(arrays.gold, arrays.logits)
    if json_:
        print_json(result.as_dict())
        return
    from nliexplorer.view.tables import published_table

    out().print(published_table(result))
