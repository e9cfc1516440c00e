"""Experiment trackers: every update's figures go to the one that `report_to` names."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nliexplorer.errors import NliError


def check_report_to(name: str) -> None:
    """Refuse a tracker whose package is not installed."""
    if name != "none" and find_spec(name) is None:
        raise NliError(
            f"--report-to {name} needs the package {name}, which is not installed",
            f"pip install {name}",
        )


def reporting_callback(name: str, folder: Path, run_name: str) -> Any:
    """Trainer's own callback for the tracker; None for "none".

    TensorBoard's event files go into `folder`/tensorboard, or TENSORBOARD_LOGGING_DIR/`run_name`;
    the other trackers have settings and environment variables of their own.
    """
    if name == "none":
        return None
    check_report_to(name)
    from transformers.integrations import TensorBoardCallback, get_reporting_integration_callbacks

    if name != "tensorboard":
        return get_reporting_integration_callbacks([name])[0]()
    from torch.utils.tensorboard import SummaryWriter

    base = os.environ.get("TENSORBOARD_LOGGING_DIR")
    where = Path(base).expanduser() / run_name if base else folder / "tensorboard"
    return TensorBoardCallback(SummaryWriter(str(where)))
