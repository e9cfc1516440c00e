"""Provenance of a run: versions, git state, machine, the command that repeats it."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nliexplorer.config import TrainConfig, closest_preset
from nliexplorer.privacy import without_secrets
from nliexplorer.run_summary import RunSummary

PACKAGES = (
    "nliexplorer",
    "torch",
    "transformers",
    "accelerate",
    "datasets",
    "tokenizers",
    "captum",
    "numpy",
    "scikit-learn",
    "sqlite-utils",
)


def versions() -> dict[str, str]:
    """Installed versions of what a result may depend on."""
    versions_of = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions_of[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions_of


def git_state(folder: Path) -> str:
    """Commit of the checkout `folder` lies in, with "+" where files differ; "" outside one."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return described.stdout.strip()


def provenance() -> RunSummary:
    """Versions, platform and git state. Nothing of the environment's variables."""
    return {
        "versions": versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "git": git_state(Path(__file__).parent),
    }


def command_line() -> str:
    """The command as it was typed, one shell line; secrets by their variables' names."""
    return without_secrets(shlex.join(["nliexplorer", *sys.argv[1:]]))


def repeating_command(config: TrainConfig) -> str:
    """The command that trains the same model again, whatever files and flags it came from.

    It starts from the closest preset and leaves the name out.
    """
    preset, rest = closest_preset(config)
    words = ["train", "--preset", preset, "--objective", config.objective]
    words += ["--seed", str(config.seed), "--data", config.data, "--model", config.model]
    for key, value in rest.items():
        if key not in ("objective", "seed", "data", "model", "name"):
            words += ["--set", f"{key}={json.dumps(value)}"]  # JSON of these types is TOML
    return without_secrets(shlex.join(["nliexplorer", *words]))
