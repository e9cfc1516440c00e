"""`nliexplorer explain`: one pair, one heatmap a run, on the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from nliexplorer.cli.common import (
    BaselineOption,
    DbOption,
    DeviceOption,
    JsonOption,
    MethodOption,
    StepsOption,
    database,
    out,
    palette,
    print_json,
)
from nliexplorer.cli.evaluate import MaxLengthOption, WindowsOption
from nliexplorer.errors import NliError
from nliexplorer.progress import say


def explain(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|MODEL...",
            help="Runs (id, unique prefix, name or latest), models' folders, or hub ids.",
        ),
    ],
    premise: Annotated[str, typer.Option(help="The premise.")] = "",
    hypothesis: Annotated[str, typer.Option(help="The hypothesis.")] = "",
    pair: Annotated[
        str,
        typer.Option(
            metavar="ID", help="The id of a stored pair, instead of --premise and --hypothesis."
        ),
    ] = "",
    target: Annotated[
        str,
        typer.Option(
            help="The class to explain: the predicted one, or a label.", metavar="predicted|LABEL"
        ),
    ] = "predicted",
    method: MethodOption = "integrated-gradients",
    baseline: BaselineOption = "auto",
    steps: StepsOption = 50,
    max_length: MaxLengthOption = None,
    windows: WindowsOption = False,
    device: DeviceOption = "auto",
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Predict and attribute one pair with each run or model; the heatmaps share one scale.

    Models need no database. With --windows a premise beyond a model's limit is read window by
    window, and the one that decides is explained.

    \b
    Examples:
      nliexplorer explain baseline --premise 'A boy slides.' --hypothesis 'He sleeps.'
      nliexplorer explain path/to/model --pair 4f1c02 --windows
    """
    from nliexplorer.attribution.methods import checked_settings
    from nliexplorer.store.reader import StoreReader
    from nliexplorer.workflow.explain import explain_pair
    from nliexplorer.workflow.external import named_classifiers

    gold = None
    if pair:
        if premise or hypothesis:
            raise NliError("--pair names both sentences", "leave out --premise and --hypothesis")
        with StoreReader(database(db)) as reader:
            example = reader.examples.get(pair).example
        premise, hypothesis, gold = example.premise, example.hypothesis, example.label
    for name, text in (("premise", premise), ("hypothesis", hypothesis)):
        if not pair and not text.strip():
            raise NliError(
                f"the {name} is empty", f"give some text: --{name} 'A man sleeps.'; or --pair ID"
            )
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
        windows=windows,
    )
    if not windows and (cut := [each.run for each in explanations if each.attribution.truncated]):
        say(f"{', '.join(cut)}: the pair was cut to the model's limit; --windows reads all of it")
    if json_:
        print_json([each.as_dict() for each in explanations])
        return
    from nliexplorer.view.pair import PairView

    views = tuple(each.view for each in explanations)
    console = out()
    console.print(PairView(premise, hypothesis, gold, views, palette(console)))
