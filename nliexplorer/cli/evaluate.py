"""`nliexplorer evaluate`: predictions and metrics of a run on any other data."""

from __future__ import annotations

from typing import Annotated

import typer

from nliexplorer.cli.common import DbOption, JsonOption, RunArgument, database, print_json


def evaluate(
    run: RunArgument,
    data: Annotated[
        str | None, typer.Option(help="A source, file or folder; default: the run's own data.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="The split of that data; default: dev, else test, else the first."),
    ] = None,
    samples: Annotated[
        int, typer.Option("--eval-samples", min=0, help="Number of pairs; 0: all.")
    ] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what the run has under that name.")
    ] = False,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Predict every pair of a split and store predictions and metrics with the run.

    The same pairs again replace their older predictions; another set of the same name is kept
    apart as NAME@2, and so is a part of a larger set, unless --replace.
    """
    from nliexplorer.store.reader import StoreReader
    from nliexplorer.workflow.evaluate import evaluate_run

    path = database(db)
    run_id, key = evaluate_run(
        path, run, data, split, samples=samples, device=device, replace=replace
    )
    if json_:
        print_json({"runs": [run_id]})
        return
    with StoreReader(path) as reader:
        metrics = reader.runs.get(run_id).metrics[key]
    typer.echo(f"{key}: accuracy {metrics.accuracy or 0.0:.4f} on {metrics.scored} pairs")
    typer.echo(f"next: nliexplorer errors {run_id} --split {key}")
