"""Models of stored runs: availability, loading, and explanations of single pairs.

Torch is imported only when a model is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nliexplorer.errors import NliError
from nliexplorer.records import Run
from nliexplorer.workflow.weights import damage

if TYPE_CHECKING:
    from nliexplorer.modeling.load import Classifier

#: Objective of runs whose model was trained elsewhere.
EXTERNAL = "external"


def has_model(run: Run) -> bool:
    """Whether its model is on this machine."""
    return bool(run.checkpoint) and Path(run.checkpoint).is_dir()


def load_run(run: Run, device: str = "auto") -> Classifier:
    """The model of a run. Raises NliError where it has none, or not the one it trained."""
    from nliexplorer.modeling.load import load_classifier

    if not run.checkpoint:
        raise NliError(f"run {run.name} has no model", "imported runs hold predictions only")
    if not has_model(run):
        raise NliError(
            f"the model of run {run.name} is gone: {run.checkpoint}",
            "restore the folder"
            if run.objective == EXTERNAL
            else f"train it again: {run.command or 'nliexplorer train'}",
        )
    fault = damage(run)
    if fault:
        raise NliError(f"the model of run {run.name} {fault}", "see: nliexplorer doctor")
    config: dict[str, Any] = dict(run.config)
    stated = f"?labels={config['labels']}" if "labels" in config else ""
    return load_classifier(
        f"{run.checkpoint}{stated}", device=device, max_length=int(config.get("max_length", 128))
    )
