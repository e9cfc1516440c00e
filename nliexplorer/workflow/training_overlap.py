"""Overlap of a split with the training data, reported before its first metric and stored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from nliexplorer.analysis.leakage import Overlap
from nliexplorer.analysis.leakage import overlap as count_overlap
from nliexplorer.config import TrainConfig
from nliexplorer.data.source_spec import split_query
from nliexplorer.data.sources import load_split, training_split
from nliexplorer.errors import NliError
from nliexplorer.progress import say
from nliexplorer.records import Example, Run
from nliexplorer.run_summary import overlap_key
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow.run_models import has_model
from nliexplorer.workflow.splits import split_rows


def training_pairs(run: Run) -> list[Example]:
    """The pairs a run was trained on. Raises NliError where they are not available.

    A hub source is read only where its run was trained on this machine, and so from the cache.
    """
    if not run.config:
        raise NliError(f"run {run.name} was not trained here", "its training pairs are not known")
    source = split_query(run.data)[0]
    if not (has_model(run) or source == "planted" or Path(source).exists()):
        raise NliError(
            f"the training pairs of run {run.name} are not on this machine",
            "run this where it was trained",
        )
    split = str(run.config.get("train_split", "train"))
    pairs = list(load_split(run.data, split, samples=int(run.config.get("train_samples", 0))))
    if augment := str(run.config.get("augment") or ""):
        pairs += list(load_split(augment, training_split(augment)))
    return pairs


def overlap_with_training(train: Sequence[Example], tested: Sequence[Example]) -> Overlap:
    """How many of the evaluated pairs occur in the training data."""
    return count_overlap(
        [(each.premise, each.hypothesis) for each in train],
        [(each.premise, each.hypothesis) for each in tested],
    )


def report_own_overlap(
    writer: StoreWriter, run_id: str, config: TrainConfig, split: str, evaluation: str
) -> None:
    """Of a split of the run's own data, right after training; stored as that `evaluation`'s."""
    overlap = _own_overlap(
        config.data,
        config.train_split,
        config.augment,
        config.train_samples,
        split,
        config.eval_samples,
    )
    _report(writer, run_id, evaluation, overlap)


@lru_cache(maxsize=8)
def _own_overlap(
    data: str, train_split: str, augment: str, train_samples: int, split: str, eval_samples: int
) -> Overlap:
    """The same for all seeds and objectives of a call."""
    train = list(split_rows(data, train_split, train_samples))
    if augment:
        train += list(split_rows(augment, training_split(augment), 0))
    return overlap_with_training(train, list(split_rows(data, split, eval_samples)))


def report_overlap(writer: StoreWriter, run: Run, rows: Sequence[Example], split: str) -> None:
    """Of any other pairs, before they are evaluated; a note says so where it is not known."""
    try:
        train = training_pairs(run)
    except NliError as error:
        say(f"{split}: overlap with training is not known: {error.message}")
        return
    _report(writer, run.id, split, overlap_with_training(train, rows))


def _report(writer: StoreWriter, run_id: str, split: str, overlap: Overlap) -> None:
    say(f"{split}: {overlap.sentence}")
    writer.remember(run_id, **{overlap_key(split): overlap.as_dict()})
