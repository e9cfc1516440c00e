"""`nliexplorer attribute`: per-token attributions of a run's pairs, into the database."""

from __future__ import annotations

from typing import Annotated

import typer

from nliexplorer.cli.common import (
    BaselineOption,
    DbOption,
    DeviceOption,
    JsonOption,
    MethodOption,
    RunArgument,
    SplitOption,
    StepsOption,
    database,
    print_json,
    with_filters,
)
from nliexplorer.store.filters import Filter


@with_filters()
def attribute(
    run: RunArgument,
    filter: Filter,
    split: SplitOption = None,
    method: MethodOption = "integrated-gradients",
    baseline: BaselineOption = "auto",
    steps: StepsOption = 10,
    target: Annotated[
        str, typer.Option(help="The class to explain.", metavar="gold|predicted|LABEL")
    ] = "gold",
    everything: Annotated[
        bool, typer.Option("--all", help="All pairs, not only the errors.")
    ] = False,
    device: DeviceOption = "auto",
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Compute attributions of the pairs that the filters select; without filters, of the errors.

    Pairs that have such an attribution already are skipped.

    Example: nliexplorer attribute baseline --where 'wrong conf:>0.9' --steps 50
    """
    from nliexplorer import processes
    from nliexplorer.attribution.methods import checked_settings
    from nliexplorer.store.reader import StoreReader
    from nliexplorer.workflow.attribute import attribute_run
    from nliexplorer.workflow.run_models import load_run
    from nliexplorer.workflow.store_sink import main_writer

    checked_settings(method, baseline, steps)
    processes.start(cpu=device == "cpu")
    path = database(db)
    with StoreReader(path) as reader:
        stored_run = reader.runs.get(run)
        evaluation = reader.runs.evaluation(stored_run.id, split)
        errors_alone = filter.is_empty and not everything
        filter = filter.with_value("is", "wrong") if errors_alone else filter
        selected = reader.predictions.count(evaluation, filter)
    if filter.limit is not None:
        selected = min(selected, filter.limit)
    made = 0
    if selected:
        classifier = load_run(stored_run, device)
        with main_writer(path) as writer:
            made = attribute_run(
                writer,
                path,
                stored_run.id,
                classifier,
                evaluation.split,
                [(stored_run.id, filter)],
                label=stored_run.name,
                target=target,
                method=method,
                baseline=baseline,
                steps=steps,
            )
    if json_:
        print_json({"runs": [stored_run.id]})
        return
    which = "errors" if errors_alone else "pairs"
    if not selected:
        typer.echo(f"no {which} to attribute in {evaluation.split}")
        return
    typer.echo(
        f"{evaluation.split}: {made:,} of {selected:,} {which} attributed, "
        f"{selected - made:,} before"
    )
    typer.echo(f"next: nliexplorer explore {stored_run.id}")
