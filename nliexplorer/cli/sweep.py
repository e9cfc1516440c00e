"""`nliexplorer sweep`: λ, α, steps and penalty over several seeds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nliexplorer.cli.common import DbOption, JsonOption, database, out, print_json
from nliexplorer.cli.train import default_preset
from nliexplorer.cli.training_options import (
    ConfigOption,
    DeviceOption,
    EpochsOption,
    EvalSamplesOption,
    MaxStepsOption,
    OutputDirOption,
    PresetOption,
    ReportToOption,
    SettingOption,
    TrainSamplesOption,
    config_changes,
)
from nliexplorer.config import load_config


def sweep(
    trials: Annotated[
        int, typer.Option(min=1, help="Total number of trials, including earlier ones.")
    ] = 20,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seeds of each trial; repeatable. Default: 0 1 2.")
    ] = None,
    lambda_: Annotated[
        str, typer.Option("--lambda", help="A range or a list.", metavar="LOW:HIGH|A,B,…")
    ] = "0.01:1",
    alpha: Annotated[
        str,
        typer.Option(help="A range, or a list that may include auto.", metavar="LOW:HIGH|A,B,…"),
    ] = "1:100",
    ig_steps: Annotated[
        str | None, typer.Option(help="A list; default: the preset's value.", metavar="A,B,…")
    ] = None,
    penalty: Annotated[
        str | None, typer.Option(help="A list; default: the preset's value.", metavar="A,B,…")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="The metric to optimise, on the first evaluated split.")
    ] = "accuracy",
    study: Annotated[str, typer.Option(help="Name of the study.")] = "sweep",
    storage: Annotated[
        str | None,
        typer.Option(
            help="Optuna storage URL, to share a sweep; default: a file next to the database."
        ),
    ] = None,
    baseline: Annotated[
        bool,
        typer.Option("--baseline/--no-baseline", help="Also train the baseline with each seed."),
    ] = True,
    preset: PresetOption = None,
    config: ConfigOption = None,
    data: Annotated[str | None, typer.Option(help="As for train.")] = None,
    model: Annotated[str | None, typer.Option(help="As for train.")] = None,
    train_samples: TrainSamplesOption = None,
    eval_samples: EvalSamplesOption = None,
    epochs: EpochsOption = None,
    max_steps: MaxStepsOption = None,
    device: DeviceOption = None,
    output_dir: OutputDirOption = None,
    report_to: ReportToOption = None,
    setting: SettingOption = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Search the penalty's settings with Optuna; run it again to resume.

    Each trial trains every seed and is scored by their mean. No attributions are made.

    Example: nliexplorer sweep --lambda 0.01:1 --trials 20
    """
    from nliexplorer.workflow.search_space import SweepPlan, parse_axis
    from nliexplorer.workflow.sweep import run_sweep

    flags: dict[str, Any] = {
        "data": data,
        "model": model,
        "train_samples": train_samples,
        "eval_samples": eval_samples,
        "epochs": epochs,
        "max_steps": max_steps,
        "device": device,
        "output_dir": output_dir,
        "report_to": report_to,
        "attribute": False,
    }
    values = config_changes(flags, setting)
    preset_name = preset or (None if config else default_preset(model, data))
    if preset_name == "quick" and data not in (None, "planted"):
        values.setdefault("eval_splits", ["dev"])
    axes = {"lambda": lambda_, "alpha": alpha, "ig_steps": ig_steps, "penalty": penalty}
    plan = SweepPlan(
        study,
        load_config(preset_name, config, values),
        tuple(parse_axis(key, text) for key, text in axes.items() if text is not None),
        tuple(seed or (0, 1, 2)),
        metric,
        baseline,
    )
    summary = run_sweep(plan, database(db), trials=trials, storage=storage)
    if json_:
        print_json(summary.as_dict())
        return
    from nliexplorer.view.tables_sweep import sweep_table

    seeds = " ".join(map(str, summary.seeds))
    failed = f" · {summary.failed} failed" if summary.failed else ""
    title = f"{summary.study} · {summary.split} · seeds {seeds}{failed}"
    out().print(sweep_table(title, summary.metric, summary.trials, summary.baseline))
