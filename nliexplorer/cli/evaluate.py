"""`nliexplorer evaluate`: predictions and metrics of a run, or of any model, on any data."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from nliexplorer.cli.common import DbOption, DeviceOption, JsonOption, database, print_json
from nliexplorer.errors import NliError


class Precision(StrEnum):
    FP32 = "fp32"
    BF16 = "bf16"
    AUTO = "auto"


MaxLengthOption = Annotated[
    int | None,
    typer.Option(
        min=8,
        max=8192,
        metavar="TOKENS",
        help="Maximum tokens per pair; default: the checkpoint's limit, at most 512.",
    ),
]
WindowsOption = Annotated[
    bool,
    typer.Option(
        "--windows",
        help="Read premises longer than the limit in overlapping windows instead of cutting them.",
    ),
]


def evaluate(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|MODEL",
            help="A run (id, unique prefix, name or latest), a model's folder, or a hub id; "
            "'MODEL?labels=entailment,neutral,contradiction' states the order of its outputs.",
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="A source, file or folder; default: the run's own data.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="The split of that data; default: dev, else test, else the first."),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the run that a model becomes.")] = "",
    attribute: Annotated[
        bool, typer.Option("--attribute", help="Attribute the errors afterwards.")
    ] = False,
    samples: Annotated[
        int, typer.Option("--eval-samples", min=0, help="Number of pairs; 0: all.")
    ] = 0,
    max_length: MaxLengthOption = None,
    windows: WindowsOption = False,
    batch_tokens: Annotated[
        int | None, typer.Option(min=16, help="Tokens per batch; default: depends on the device.")
    ] = None,
    device: DeviceOption = "auto",
    precision: Annotated[
        Precision, typer.Option(help="Precision of the forward passes.")
    ] = Precision.FP32,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what the run has under that name.")
    ] = False,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Predict every pair of a split and store predictions and metrics with the run.

    The same pairs again replace their older predictions; another set of the same name is kept
    apart as NAME@2, and so is a part of a larger set, unless --replace.
    A model that was not trained here becomes a run with objective `external`.

    \b
    Examples:
      nliexplorer evaluate baseline --data hans
      nliexplorer evaluate path/to/model --data dev.jsonl --name mine --attribute
    """
    from nliexplorer.store.reader import StoreReader
    from nliexplorer.workflow.attribute import attribute_errors
    from nliexplorer.workflow.evaluate import Forward, evaluate_run
    from nliexplorer.workflow.external import evaluate_model, named_run

    path = database(db)
    how = Forward(device, str(precision), batch_tokens, windows)
    known = named_run(path, run)
    if known is None:
        run_id, key = evaluate_model(
            path,
            run,
            data,
            split,
            how,
            samples=samples,
            name=name,
            max_length=max_length,
            replace=replace,
        )
    elif name or max_length:
        option = "--name" if name else "--max-length"
        raise NliError(f"{option} is for models, and {run} is a run", "leave it out")
    else:
        run_id, key = evaluate_run(
            path, known.id, data, split, how, samples=samples, replace=replace
        )
    if attribute:
        attribute_errors(path, run_id, key, device)
    if json_:
        print_json({"runs": [run_id]})
        return
    with StoreReader(path) as reader:
        stored = reader.runs.get(run_id)
    metrics = stored.metrics[key]
    typer.echo(
        f"{stored.name}, {key}: accuracy {metrics.accuracy or 0.0:.4f} on {metrics.scored} pairs"
    )
    typer.echo(f"next: nliexplorer errors {run_id} --split {key}")
