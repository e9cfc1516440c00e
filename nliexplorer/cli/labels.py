"""`nliexplorer labels`: which gold labels are likely wrong?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nliexplorer.cli.common import (
    DbOption,
    JsonOption,
    SplitOption,
    database,
    out,
    palette,
    print_json,
    with_filters,
)
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader

if TYPE_CHECKING:
    from nliexplorer.comparison.labels import LabelReport
    from nliexplorer.comparison.pairs import PairedRuns

#: Rows of the table where no --limit says otherwise.
_SHOWN = 20


@with_filters("sort")
def labels(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Runs to judge by; their probabilities are averaged."
        ),
    ],
    filter: Filter,
    score: Annotated[
        str,
        typer.Option(
            "--score",
            metavar="SCORE",
            help="self-confidence: P(gold); normalised-margin: P(gold) against the next class; "
            "training-dynamics: mean P(gold) over the epochs, of recorded training pairs.",
        ),
    ] = "self-confidence",
    split: SplitOption = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Rank pairs by how likely their gold label is wrong.

    Pairs that confident learning flags (Northcutt et al. 2021) come first. Use runs that were not
    trained on the split; several seeds are better than one.

    Example: nliexplorer labels baseline ig-variance --split dev --limit 50
    """
    from nliexplorer.comparison.labels import label_report
    from nliexplorer.comparison.pairs import pair_runs

    with StoreReader(database(db)) as reader:
        paired = pair_runs(reader, runs, split, replace(filter, limit=None))
        report = label_report(reader, paired, score)
        order = report.errors.order
        limit = filter.limit if filter.limit or json_ else _SHOWN
        rows = reader.predictions.rows_by_id(paired.ids[order[:limit]])
    pairs = [
        row.as_dict() | _judgement(report, int(index))
        for row, index in zip(rows, order, strict=False)
    ]
    if json_:
        print_json(_document(paired, report, score) | {"pairs": pairs})
        return
    from nliexplorer.view.tables_labels import labels_table

    console = out()
    console.print(labels_table(paired, report, rows, palette(console)))


def _judgement(report: LabelReport, index: int) -> dict[str, Any]:
    agreement = float(report.agreement[index])
    return {
        "label_quality": float(report.errors.score[index]),
        "suggested": report.suggested[index],
        "flagged": bool(report.errors.flagged[index]),
        "annotator_agreement": None if agreement != agreement else agreement,
    }


def _document(paired: PairedRuns, report: LabelReport, score: str) -> dict[str, Any]:
    return {
        "runs": list(paired.names),
        "split": paired.split,
        "score": score,
        "n": paired.n,
        "flagged": int(report.errors.flagged.sum()),
        "annotated": report.annotated,
        "disagreement_auc": report.disagreement_auc,
        "notes": [*report.warnings, *paired.notes],
    }
