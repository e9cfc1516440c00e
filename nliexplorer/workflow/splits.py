"""The pairs a configuration names; each split is read once per process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from nliexplorer.config import TrainConfig
from nliexplorer.data.sources import LoadedSplit, absolute_source, load_split, training_split
from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, TWO_WAY

_BUILT_IN_MODELS = ("tiny", "minilm")


@lru_cache(maxsize=8)
def split_rows(data: str, split: str, samples: int) -> LoadedSplit:
    """A split with something in it; the subset is the same for every seed."""
    rows = load_split(data, split, samples=samples)
    if len(rows) < 2:
        raise NliError(
            f"{data}, split {split}: {len(rows)} usable pairs", "at least two are needed"
        )
    return rows


def training_rows(config: TrainConfig) -> LoadedSplit:
    """The training pairs, followed by those of `config.augment`."""
    rows = split_rows(config.data, config.train_split, config.train_samples)
    if config.augment:
        rows = rows.joined(split_rows(config.augment, training_split(config.augment), 0))
    return rows


def first_augmented(config: TrainConfig) -> int:
    """The row of `training_rows` from which on they are those of `config.augment`; 0 without it."""
    return (
        len(split_rows(config.data, config.train_split, config.train_samples))
        if config.augment
        else 0
    )


def training_labels(config: TrainConfig) -> int:
    """How many labels a model learns to tell apart: those of its training pairs."""
    two_label = training_rows(config).two_labels
    return len(TWO_WAY) if two_label else len(LABELS)


def check_data(configs: Sequence[TrainConfig]) -> None:
    """Every split is there and usable: known before the first run is created."""
    for config in configs:
        training_rows(config)
        for split in config.eval_splits:
            split_rows(config.data, split, config.eval_samples)


def described(config: TrainConfig) -> Mapping[str, Any]:
    """What a run records about its data: counts, fingerprints, dropped rows by reason, and what was
    assumed in reading it.
    """
    splits = {"train": training_rows(config)}
    splits |= {
        split: split_rows(config.data, split, config.eval_samples) for split in config.eval_splits
    }
    return {
        name: {
            "n": len(rows),
            "fingerprint": rows.fingerprint,
            "dropped": dict(rows.dropped),
            "label_basis": rows.label_basis,
            "notes": list(rows.notes),
        }
        for name, rows in splits.items()
    }


def refuse_changed(config: TrainConfig, remembered: Mapping[str, Any], splits: list[str]) -> None:
    """Refuse to resume a run on other pairs than it was started on."""
    for split in splits:
        before = remembered.get(split, {}).get("fingerprint")
        rows = (
            training_rows(config)
            if split == "train"
            else split_rows(config.data, split, config.eval_samples)
        )
        if before and rows.fingerprint != before:
            raise NliError(
                f"the pairs of {config.data}, split {split}, are not those the run was started on",
                "restore the earlier data, or start a new run",
            )


def with_absolute_paths(config: TrainConfig) -> TrainConfig:
    """Paths that still name the same thing when the run is resumed from another folder."""
    augment = absolute_source(config.augment) if config.augment else ""
    folder, mark, options = config.model.partition("?")
    is_folder = "/" in folder or (Path(folder) / "config.json").is_file()
    if is_folder and folder not in _BUILT_IN_MODELS and Path(folder).exists():
        folder = str(Path(folder).resolve())
    return replace(
        config,
        data=absolute_source(config.data),
        augment=augment,
        model=f"{folder}{mark}{options}",
    )
