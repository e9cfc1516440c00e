"""`nliexplorer faithfulness`: do attributions reflect what the model uses?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nliexplorer.cli.common import (
    BaselineOption,
    DbOption,
    DeviceOption,
    JsonOption,
    MethodOption,
    RunArgument,
    SplitOption,
    database,
    out,
    print_json,
)

if TYPE_CHECKING:
    from nliexplorer.attribution.faithfulness import Faithfulness


def faithfulness(
    run: RunArgument,
    other: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A second run, on the pairs that both get right."),
    ] = None,
    split: SplitOption = None,
    method: MethodOption = "integrated-gradients",
    baseline: BaselineOption = "auto",
    steps: Annotated[
        int, typer.Option(min=1, max=10_000, help="Nodes on the path, or draws.")
    ] = 10,
    samples: Annotated[int, typer.Option(min=0, help="Pairs drawn from the split; 0: all.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample of pairs.")] = 0,
    device: DeviceOption = "auto",
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Measure how much erasing the highest-ranked words changes predictions, against random words.

    Comprehensiveness, sufficiency, leave-one-out τ, stability, and agreement with marked words.

    Example: nliexplorer faithfulness baseline --method saliency
    """
    from nliexplorer.view.tables_faithfulness import faithfulness_table
    from nliexplorer.workflow.faithfulness import (
        Settings,
        compare_faithfulness,
        faithfulness_of_run,
    )

    settings = Settings(method, baseline, steps, samples, seed, device)
    if other is not None:
        both = compare_faithfulness(database(db), (run, other), split, settings)
        if json_:
            print_json(both.as_dict())
            return
        title = (
            f"A {both.names[0]} · B {both.names[1]} · {both.split} · {both.n:,} of the "
            f"{both.both_right:,} pairs that both get right, {_how(both.runs[0])}"
        )
        out().print(faithfulness_table(title, both.differences, ("B", "A", "B − A, 95 %")))
        return
    name, evaluated, result = faithfulness_of_run(database(db), run, split, settings)
    if json_:
        print_json({"run": name, "split": evaluated, **result.as_dict()})
        return
    title = f"{name} · {evaluated} · {result.n:,} pairs, {_how(result)}"
    out().print(faithfulness_table(title, result.measures))
    if result.completeness_delta is not None:
        out().print(
            f"mean |completeness error| {result.completeness_delta:.3f} logits", style="dim"
        )


def _how(result: Faithfulness) -> str:
    """The method and its settings."""
    settings = [result.method]
    settings += [f"baseline {result.baseline}"] if result.baseline != "none" else []
    settings += [f"{result.steps} steps"] if result.steps else []
    return ", ".join(settings)
