"""`nliexplorer export`: a run's predictions as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nliexplorer.cli.common import (
    DbOption,
    RunArgument,
    SplitOption,
    database,
    with_filters,
)
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader


@with_filters()
def export(
    run: RunArgument,
    filter: Filter,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", help="The file to write: .jsonl, .csv or .parquet."),
    ],
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    split: SplitOption = None,
    db: DbOption = None,
) -> None:
    """Write a run's predictions to a file; `import` reads .jsonl back unchanged.

    Example: nliexplorer export baseline --where wrong --out errors.csv
    """
    from nliexplorer.workflow.export import export_run

    with StoreReader(database(db)) as reader:
        evaluation = reader.runs.evaluation(run, split)
        written = export_run(reader, evaluation, out, filter=filter, force=force)
    typer.echo(f"{written:,} pairs in {out}", err=True)
