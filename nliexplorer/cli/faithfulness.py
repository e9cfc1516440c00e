"""`nliexplorer faithfulness`: do attributions reflect what the model uses?"""

from __future__ import annotations

from typing import Annotated

import typer

from nliexplorer.cli.common import (
    BaselineOption,
    DbOption,
    JsonOption,
    MethodOption,
    RunArgument,
    SplitOption,
    database,
    out,
    print_json,
)


def faithfulness(
    run: RunArgument,
    split: SplitOption = None,
    method: MethodOption = "integrated-gradients",
    baseline: BaselineOption = "auto",
    steps: Annotated[
        int, typer.Option(min=1, max=10_000, help="Nodes on the path, or draws.")
    ] = 10,
    samples: Annotated[int, typer.Option(min=0, help="Pairs drawn from the split; 0: all.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample of pairs.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Erase the words an attribution ranks highest and measure the change, against random words.

    Comprehensiveness, sufficiency, leave-one-out τ, stability, and agreement with marked words.
    """
    from nliexplorer.workflow.faithfulness import judge_run

    name, chosen, found = judge_run(
        database(db),
        run,
        split,
        method=method,
        baseline=baseline,
        steps=steps,
        samples=samples,
        seed=seed,
        device=device,
    )
    if json_:
        print_json({"run": name, "split": chosen, **found.as_dict()})
        return
    from nliexplorer.view.tables_faithfulness import faithfulness_table

    settings = [found.method]
    settings += [f"baseline {found.baseline}"] if found.baseline != "none" else []
    settings += [f"{found.steps} steps"] if found.steps else []
    title = f"{name} · {chosen} · {found.n:,} pairs · {', '.join(settings)}"
    out().print(faithfulness_table(title, found.measures))
    if found.completeness_delta is not None:
        out().print(f"mean |completeness error| {found.completeness_delta:.3f} logits", style="dim")
