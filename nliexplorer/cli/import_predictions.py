"""`nliexplorer import`: somebody else's predictions become a run."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from nliexplorer.cli.common import (
    DbOption,
    JsonOption,
    column_option,
    database,
    print_json,
    print_left_out,
    table_argument,
)
from nliexplorer.view.text import visible


class FileFormat(StrEnum):
    """Formats of predictions files."""

    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"


def import_(
    file: Annotated[str, table_argument("Predictions, one pair a row")],
    name: Annotated[str, typer.Option(help="The run's name; default: that of the file.")] = "",
    format_: Annotated[
        FileFormat | None, typer.Option("--format", help="Default: by the file's suffix.")
    ] = None,
    split: Annotated[str, typer.Option(help="The name of the split the pairs belong to.")] = "dev",
    labels: Annotated[
        str, typer.Option(help="What the label numbers mean: NAME,NAME,… or VALUE:NAME,…")
    ] = "",
    predicted_labels: Annotated[
        str, typer.Option(help="The same for predicted numbers and score positions.")
    ] = "",
    answers: Annotated[
        str,
        typer.Option(
            metavar="WORD=LABEL,…",
            help="What a chat model's words mean: yes=entailment,no=contradiction,maybe=neutral.",
        ),
    ] = "",
    answer_column: Annotated[str, column_option("a chat model's answers")] = "",
    explanation_column: Annotated[str, column_option("its explanation")] = "",
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="Keep rows without a gold label, for browsing.")
    ] = False,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Import predictions from a file as a run; no model is needed.

    A row has premise, hypothesis, label, and predicted_scores (three numbers, in the order
    entailment, neutral, contradiction, or by label name) or predicted_label, under these or other
    usual names; FILE?premise=COLUMN&hypothesis=COLUMN&label=COLUMN names any. Scores are
    probabilities where every row is non-negative and sums to 1 within 0.001, else logits; the run
    says which.

    A chat model's answers may be free text ("Entailment.", "The answer is: neutral"): a text that
    names one label, or ends in "answer: LABEL", is read; any other is stored as no answer and
    counted separately from wrong answers. All other columns are kept as metadata (meta.COLUMN in
    filters).

    Example: nliexplorer import predictions.jsonl --name theirs
    """
    from nliexplorer.workflow.import_predictions import import_file
    from nliexplorer.workflow.predictions_file import ReadOptions

    options = ReadOptions(
        format_.value if format_ else "",
        labels,
        predicted_labels,
        answers,
        answer_column,
        explanation_column,
        unlabelled,
    )
    run = import_file(database(db), file, name=name, split=split, options=options)
    if json_:
        print_json({"runs": [run.id]})
        return
    from nliexplorer.view.metric_text import missing_text

    typer.echo(f"{visible(run.name)} ({run.id}): scores read as {run.summary['scores']}")
    for metrics in run.metrics.values():
        if missing := missing_text(metrics):
            typer.echo(missing)
    dropped = run.summary["dropped"]
    for reason, count in dropped.items():
        lines = run.summary["dropped_lines"][reason]
        print_left_out(f"rows with {reason}", count, lines)
    typer.echo(f"next: nliexplorer errors {run.id}")
