"""What train, sweep and study have in common: options that are keys of the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nliexplorer.cli.common import DEVICES
from nliexplorer.config import PRESETS, TRACKERS, parse_setting

PresetOption = Annotated[
    str | None, typer.Option(help=" | ".join(PRESETS), rich_help_panel="Model")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(help="TOML file; its keys override the preset's.", rich_help_panel="Model"),
]
TrainSamplesOption = Annotated[
    int | None, typer.Option(help="Training pairs; 0: all.", rich_help_panel="Data")
]
EvalSamplesOption = Annotated[
    int | None, typer.Option(help="Pairs of each evaluated split; 0: all.", rich_help_panel="Data")
]
EpochsOption = Annotated[
    float | None,
    typer.Option(help="Passes over the training pairs.", rich_help_panel="Optimisation"),
]
MaxStepsOption = Annotated[
    int | None,
    typer.Option(
        help="Number of updates; 0: as many as the epochs have.", rich_help_panel="Optimisation"
    ),
]
DeviceOption = Annotated[str | None, typer.Option(help=DEVICES, rich_help_panel="Optimisation")]
ReportToOption = Annotated[
    str | None,
    typer.Option(
        help=f"Also log every update to {', '.join(TRACKERS[1:-1])} or {TRACKERS[-1]}.",
        rich_help_panel="Output",
    ),
]
OutputDirOption = Annotated[
    str | None, typer.Option(help="Folder for checkpoints.", rich_help_panel="Output")
]
SettingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Any other configuration key, such as --set patience=3.",
        metavar="KEY=VALUE",
        rich_help_panel="Optimisation",
    ),
]


def config_changes(flags: Mapping[str, Any], setting: Sequence[str] | None) -> dict[str, Any]:
    """Configuration key -> value: of flags that are not None, and of each --set, which wins."""
    values = {key: value for key, value in flags.items() if value is not None}
    return values | dict(parse_setting(text) for text in setting or ())
