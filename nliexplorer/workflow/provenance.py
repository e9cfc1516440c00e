"""What made a run: versions, git state, machine, the command that repeats it."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

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
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


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


def provenance() -> dict[str, Any]:
    """Versions, platform and git state. Nothing of the environment's variables."""
    return {
        "versions": versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "git": git_state(Path(__file__).parent),
    }


def command_line(arguments: list[str] | None = None) -> str:
    """The command as one shell line."""
    words = sys.argv[1:] if arguments is None else arguments
    return shlex.join(["nliexplorer", *words])
