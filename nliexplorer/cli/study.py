"""`nliexplorer study`: does the penalty help? The whole study, again."""

from __future__ import annotations

import shlex
from collections.abc import Container, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from nliexplorer.cli.common import DbOption, JsonOption, database, out, print_json
from nliexplorer.cli.training_options import (
    DeviceOption,
    EpochsOption,
    EvalSamplesOption,
    MaxStepsOption,
    OutputDirOption,
    ReportToOption,
    SettingOption,
    TrainSamplesOption,
    config_changes,
)
from nliexplorer.errors import NliError
from nliexplorer.progress import say


class Size(StrEnum):
    SMALL = "small"
    FULL = "full"


class Part(StrEnum):
    PLANTED = "planted"
    STRENGTH = "strength"
    REAL = "real"
    SECOND_PLANTED = "second-planted"
    SECOND_REAL = "second-real"


class Half(StrEnum):
    SEARCH = "search"
    REPORT = "report"


def study(
    size: Annotated[
        Size,
        typer.Option(
            help="small: the planted corpus alone; full: artefact strength and real data besides."
        ),
    ] = Size.SMALL,
    part: Annotated[Part | None, typer.Option(help="Run only this part.")] = None,
    arm: Annotated[
        list[str] | None,
        typer.Option(help="Run only this arm and those it is compared with; repeatable."),
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="A seed, in place of the plan's; repeatable.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Real data: snli, a file or a folder.")] = None,
    model: Annotated[str | None, typer.Option(help="The model on real data, as in train.")] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            help="A further evaluation set for real data, in place of the plan's; repeatable.",
            metavar="DATA[#SPLIT]",
        ),
    ] = None,
    augment: Annotated[
        str | None, typer.Option(help="Where counterfactual pairs come from; default: cad.")
    ] = None,
    train_samples: TrainSamplesOption = None,
    eval_samples: EvalSamplesOption = None,
    epochs: EpochsOption = None,
    max_steps: MaxStepsOption = None,
    device: DeviceOption = None,
    setting: SettingOption = None,
    attributed: Annotated[
        int | None,
        typer.Option(min=0, help="Pairs attributed by every run, in place of the plan's; 0: none."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Runs at a time; default: 2 on a CPU with several cores, else 1."),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Share the runs with other machines: the URL of an Optuna storage.",
            rich_help_panel="Several machines",
        ),
    ] = None,
    study: Annotated[
        str, typer.Option(help="Name of the shared study.", rich_help_panel="Several machines")
    ] = "study",
    worker: Annotated[
        bool,
        typer.Option(
            "--worker",
            help="Only take runs of a shared study, until none is left; prints no tables.",
            rich_help_panel="Several machines",
        ),
    ] = False,
    output_dir: OutputDirOption = None,
    report_to: ReportToOption = None,
    tables_only: Annotated[
        bool, typer.Option("--tables-only", help="Train nothing; tabulate the existing runs.")
    ] = False,
    half: Annotated[
        Half | None,
        typer.Option(help="Figures of this half of each set's pairs: search on one, then report."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for tables, figures and a report.")
    ] = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Train every arm with every seed, then tabulate over seeds; run it again to resume.

    Runs that are done are not made again. The arms are files of the package; `train --config`
    takes them too. With --storage any number of machines share the runs; each writes its own
    database, and `runs merge` brings them together.

    \b
    Examples:
      nliexplorer study --size small --db study.db --out study/
      nliexplorer study --storage postgresql+psycopg://host/optuna --db a.db
    """
    from nliexplorer.workflow.study.plan import REAL_PARTS, SIZES, load_plan
    from nliexplorer.workflow.study.results import collect_results
    from nliexplorer.workflow.study.running import default_jobs, run_plan
    from nliexplorer.workflow.study.shared import SharedStudy
    from nliexplorer.workflow.study.stored import has_runs

    parts = [part.value] if part else list(SIZES[size.value])
    everywhere: dict[str, Any] = {
        "train_samples": train_samples,
        "eval_samples": eval_samples,
        "epochs": epochs,
        "max_steps": max_steps,
        "device": device,
        "output_dir": output_dir,
        "report_to": report_to,
    }
    real = {"data": data, "model": model, "augment": augment}
    if not set(parts) & set(REAL_PARTS) and (also or any(real.values())):
        raise NliError(
            "--data, --model, --augment and --also apply to real data, not to the built-in corpus",
            "add --size full",
        )
    path = database(db)
    plans = []
    for name in parts:
        flags = {**everywhere, **(real if name in REAL_PARTS else {})}
        more = also if name in REAL_PARTS else None
        changes = config_changes(flags, setting)
        plans.append(
            load_plan(name, changes, seeds=seed or (), also=more or (), attributed=attributed)
        )
    if worker and not storage:
        raise NliError("--worker takes the runs of a shared study", "add --storage URL")
    shared = SharedStudy(storage, study, worker) if storage else None
    outcomes = []
    for plan in () if tables_only else plans:
        arms = _of(plan.arms, arm or ())
        if arms or not arm:
            outcomes.append(
                run_plan(plan, path, arms=arms, jobs=jobs or default_jobs(device), shared=shared)
            )
    failed = {name: why for outcome in outcomes for name, why in outcome.failed.items()}
    elsewhere = sorted({place for outcome in outcomes for place in outcome.elsewhere})
    if elsewhere:
        say(f"further runs are in {', '.join(elsewhere)}")
        say(f"bring them here with: nliexplorer runs merge OTHER.db --db {shlex.quote(str(path))}")
        plans = [plan for plan in plans if has_runs(plan, path)]
    if worker:
        plans = []  # what one worker made is a part of the whole
    results = [collect_results(plan, path, half.value if half else None) for plan in plans]
    if folder is not None and results:
        from nliexplorer.workflow.study.files import write_study

        write_study(results, folder)
    if json_:
        print_json({"parts": [result.as_dict() for result in results], "failed": failed})
    else:
        from nliexplorer.view.tables_study import study_tables

        for result in results:
            out().print(study_tables(result.part, result.planned, result.done, result.blocks))
    if failed:
        raise NliError(
            f"{len(failed)} runs failed: {', '.join(failed)}",
            "run the same command again to retry them",
        )


def _of(known: Container[str], names: Sequence[str]) -> list[str]:
    """The arms among `names` that this part has; a name that no part has is refused."""
    from nliexplorer.errors import unknown_name
    from nliexplorer.workflow.study.plan import PARTS, arm_names

    everything = {name for part in PARTS for name in arm_names(part)}
    for name in names:
        if name not in everything:
            raise unknown_name("arm", name, sorted(everything))
    return [name for name in names if name in known]
