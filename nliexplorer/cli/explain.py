"""`nliexplorer explain`: one pair, one heatmap a run, on the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from nliexplorer.cli.common import (
    BaselineOption,
    DbOption,
    JsonOption,
    MethodOption,
    database,
    out,
    palette,
    print_json,
)
from nliexplorer.cli.evaluate import MaxLengthOption
from nliexplorer.errors import NliError


def explain(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|MODEL...",
            help="Runs (id, unique prefix, name or latest), models' folders, or hub ids.",
        ),
    ],
    premise: Annotated[str, typer.Option(help="The premise.")],
    hypothesis: Annotated[str, typer.Option(help="The hypothesis.")],
    target: Annotated[
        str,
        typer.Option(
            help="The class to explain: the predicted one, or a label.", metavar="predicted|LABEL"
        ),
    ] = "predicted",
    method: MethodOption = "integrated-gradients",
    baseline: BaselineOption = "auto",
    steps: Annotated[int, typer.Option(min=1, max=10_000, help="Nodes on the path.")] = 50,
    max_length: MaxLengthOption = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Predict and attribute one pair with each run or model; the heatmaps share one scale.

    Models need no database.

    Example: nliexplorer explain baseline --premise 'A boy slides.' --hypothesis 'He sleeps.'
    """
    from nliexplorer.attribution.methods import checked_settings
    from nliexplorer.workflow.explain import explain_pair
    from nliexplorer.workflow.external import named_classifiers

    for name, text in (("premise", premise), ("hypothesis", hypothesis)):
        if not text.strip():
            raise NliError(f"the {name} is empty", f"give some text: --{name} 'A man sleeps.'")
    checked_settings(method, baseline, steps)
    models = named_classifiers(database(db), runs, device, max_length)
    explanations = explain_pair(
        models,
        premise,
        hypothesis,
        target=target,
        method=method,
        baseline=baseline,
        steps=steps,
    )
    if json_:
        print_json([each.as_dict() for each in explanations])
        return
    from nliexplorer.view.pair import PairView, RunView

    views = tuple(
        RunView(each.run, each.predicted, each.probabilities, each.attribution)
        for each in explanations
    )
    console = out()
    console.print(PairView(premise, hypothesis, None, views, palette(console)))
