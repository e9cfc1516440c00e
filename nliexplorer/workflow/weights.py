"""Integrity check of a run's weights against the digest taken after training."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nliexplorer.records import Run


def weights_digest(folder: Path) -> str:
    """SHA-256 over the safetensors files of a checkpoint, by name."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def damage(run: Run) -> str:
    """What is wrong with a run's checkpoint, as a phrase; "" for an intact one or none."""
    if not run.checkpoint:
        return ""
    folder = Path(run.checkpoint)
    if not folder.is_dir():
        return f"is gone: {folder}"
    if not any(folder.glob("*.safetensors")):
        return f"has no weights: {folder}"
    stored = run.summary.get("weights_sha256")
    if stored and stored != weights_digest(folder):
        return f"is damaged or was changed since training: {folder}"
    return ""
