"""`nliexplorer train`: flags to configurations, then the workflow."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from nliexplorer.cli.common import DbOption, JsonOption, print_json
from nliexplorer.cli.help_text import one_a_line
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
from nliexplorer.config import DEBIASING, ESTIMATORS, PENALTIES, TrainConfig, load_config, read_toml
from nliexplorer.errors import NliError


class ObjectiveChoice(StrEnum):
    BASELINE = "baseline"
    IG_VARIANCE = "ig-variance"
    BOTH = "both"


def _number_or_auto(text: str | None, kind: type[int] | type[float], flag: str) -> Any:
    if text is None or text == "auto":
        return text
    try:
        return kind(text)
    except ValueError:
        raise NliError(
            f"{flag} {text} is not understood", f"it takes a {kind.__name__} or 'auto'"
        ) from None


def default_preset(model: str | None, data: str | None) -> str:
    """The quick preset belongs to the tiny model; any other starts from the paper's settings."""
    tiny = model == "tiny" or (model is None and data in (None, "planted"))
    return "quick" if tiny else "paper"


def train(
    objective: Annotated[
        ObjectiveChoice | None,
        typer.Option(
            help="Which model to train; both (the default) share data, seed, schedule.",
            rich_help_panel="Model",
        ),
    ] = None,
    preset: PresetOption = None,
    config: ConfigOption = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="planted, snli, hf:OWNER/NAME, a file or a folder.", rich_help_panel="Data"
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Hub id, local folder, 'minilm' or 'tiny'.", rich_help_panel="Model"),
    ] = None,
    train_samples: TrainSamplesOption = None,
    eval_samples: EvalSamplesOption = None,
    train_split: Annotated[
        str | None,
        typer.Option(
            help="The split to train on, if it is not called train.", rich_help_panel="Data"
        ),
    ] = None,
    eval_splits: Annotated[
        str | None,
        typer.Option(
            "--eval-splits",
            "--eval-split",
            help="Splits to evaluate, comma-separated; the first one decides early stopping.",
            rich_help_panel="Data",
        ),
    ] = None,
    epochs: EpochsOption = None,
    max_steps: MaxStepsOption = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Pairs for each update, in each process.", rich_help_panel="Optimisation"
        ),
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Peak learning rate.", rich_help_panel="Optimisation")
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(
            help="Random seed; repeat it to train several runs of each objective.",
            rich_help_panel="Optimisation",
        ),
    ] = None,
    lambda_: Annotated[
        float | None,
        typer.Option("--lambda", help="Strength of the penalty.", rich_help_panel="Penalty"),
    ] = None,
    alpha: Annotated[
        str | None,
        typer.Option(
            help="Scale inside the tanh, or 'auto'.",
            metavar="SCALE|auto",
            rich_help_panel="Penalty",
        ),
    ] = None,
    ig_steps: Annotated[
        str | None,
        typer.Option(
            help="Nodes on the path, or 'auto'.", metavar="NODES|auto", rich_help_panel="Penalty"
        ),
    ] = None,
    ig_rule: Annotated[
        str | None,
        typer.Option(help="gauss-legendre, midpoint or trapezoid.", rich_help_panel="Penalty"),
    ] = None,
    ig_estimator: Annotated[
        str | None,
        typer.Option(
            help=one_a_line("How V is estimated", ESTIMATORS),
            rich_help_panel="Penalty",
        ),
    ] = None,
    ig_gradient_steps: Annotated[
        int | None,
        typer.Option(
            help="Nodes with a gradient for each pair, for the sampled estimator.",
            rich_help_panel="Penalty",
        ),
    ] = None,
    penalty: Annotated[
        str | None,
        typer.Option(
            help=one_a_line("What is penalised of the attributions", PENALTIES),
            rich_help_panel="Penalty",
        ),
    ] = None,
    penalty_gradient: Annotated[
        str | None,
        typer.Option(
            help="The exact gradient, or the published code's, of the embeddings alone.",
            rich_help_panel="Penalty",
        ),
    ] = None,
    penalty_warmup: Annotated[
        float | None,
        typer.Option(
            help="Share of the updates over which lambda ramps up.", rich_help_panel="Penalty"
        ),
    ] = None,
    variance_over: Annotated[
        str | None,
        typer.Option(
            help="Tokens of the variance: words, or also padding and special tokens.",
            rich_help_panel="Penalty",
        ),
    ] = None,
    debias: Annotated[
        str | None,
        typer.Option(
            help=one_a_line("Against shortcuts in the training pairs", DEBIASING),
            rich_help_panel="Optimisation",
        ),
    ] = None,
    soft_labels: Annotated[
        bool,
        typer.Option(
            "--soft-labels",
            help="Cross-entropy to the annotators' shares of each label, where the data has them.",
            rich_help_panel="Optimisation",
        ),
    ] = False,
    augment: Annotated[
        str | None,
        typer.Option(
            help="A second source of training pairs, such as counterfactual ones.",
            rich_help_panel="Data",
        ),
    ] = None,
    device: DeviceOption = None,
    precision: Annotated[
        str | None, typer.Option(help="fp32, bf16 or auto.", rich_help_panel="Optimisation")
    ] = None,
    setting: SettingOption = None,
    output_dir: OutputDirOption = None,
    report_to: ReportToOption = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the run; for several, the beginning of their names.",
            rich_help_panel="Output",
        ),
    ] = None,
    record_dynamics: Annotated[
        bool,
        typer.Option(
            "--record-dynamics",
            help="Store P(gold) of each training pair after each epoch.",
            rich_help_panel="Output",
        ),
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(help="Resume an interrupted run.", metavar="RUN", rich_help_panel="Output"),
    ] = None,
    no_attributions: Annotated[
        bool,
        typer.Option(
            "--no-attributions",
            help="Skip the attributions of the dev errors.",
            rich_help_panel="Output",
        ),
    ] = False,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Train the baseline, the IG-variance model, or both; then evaluate and attribute.

    \b
    Examples:
      nliexplorer train --preset snli
      nliexplorer train --data path/to/snli --model minilm --epochs 1
      nliexplorer train --penalty stopwords --seed 0 --seed 1
    """
    from nliexplorer.cli.common import database
    from nliexplorer.workflow.train import resume_run, train_all

    if resume is not None:
        print_runs([resume_run(database(db), resume)], json_)
        return
    flags: dict[str, Any] = {
        "data": data,
        "train_samples": train_samples,
        "eval_samples": eval_samples,
        "train_split": train_split,
        "eval_splits": eval_splits.split(",") if eval_splits else None,
        "model": model,
        "epochs": epochs,
        "max_steps": max_steps,
        "batch_size": batch_size,
        "lr": lr,
        "lambda": lambda_,
        "alpha": _number_or_auto(alpha, float, "--alpha"),
        "ig_steps": _number_or_auto(ig_steps, int, "--ig-steps"),
        "ig_rule": ig_rule,
        "ig_estimator": ig_estimator,
        "ig_gradient_steps": ig_gradient_steps,
        "penalty": penalty,
        "penalty_gradient": penalty_gradient,
        "penalty_warmup": penalty_warmup,
        "variance_over": variance_over,
        "debias": debias,
        "soft_labels": True if soft_labels else None,
        "augment": augment,
        "device": device,
        "precision": precision,
        "output_dir": output_dir,
        "report_to": report_to,
        "record_dynamics": True if record_dynamics else None,
        "attribute": False if no_attributions else None,
    }
    values = config_changes(flags, setting)
    preset_name = preset or (None if config else default_preset(model, data))
    if preset_name == "quick" and data not in (None, "planted"):
        values.setdefault("eval_splits", ["dev"])  # `flipped` is the built-in corpus's own
    base = load_config(preset_name, config, values)
    named = objective or (config and read_toml(config).get("objective")) or ObjectiveChoice.BOTH
    configs = expand(base, str(named), seed or [base.seed])
    print_runs(train_all(configs, database(db), stem=name or ""), json_)


def expand(base: TrainConfig, objective: str, seeds: list[int]) -> list[TrainConfig]:
    """One configuration a run: each seed's objectives side by side, the baseline first."""
    from dataclasses import replace

    if len(set(seeds)) != len(seeds):
        raise NliError("a seed is given twice", "give each --seed once")
    objectives = ("baseline", "ig-variance") if objective == "both" else (objective,)
    return [
        replace(base, objective=each, seed=seed)  # type: ignore[arg-type]
        for seed in seeds
        for each in objectives
    ]


def print_runs(runs: list[str], as_json: bool) -> None:
    """The ids of finished runs: JSON, or what to do with them next."""
    if as_json:
        print_json({"runs": runs})
        return
    typer.echo(f"done: {' '.join(runs)}")
    if len(runs) == 2:
        typer.echo(f"next: nliexplorer compare {runs[0]} {runs[1]}   or: nliexplorer explore")
