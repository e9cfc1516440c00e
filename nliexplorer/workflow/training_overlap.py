"""How much of a split stands in training: told before its first figure, and kept with the run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from nliexplorer.analysis.leakage import Overlap
from nliexplorer.config import TrainConfig
from nliexplorer.data.sources import training_split
from nliexplorer.errors import NliError
from nliexplorer.progress import say
from nliexplorer.records import Example, Run, overlap_key
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow.reporting import overlap_with_training, training_pairs
from nliexplorer.workflow.splits import split_rows


def tell_own_overlap(writer: StoreWriter, run_id: str, config: TrainConfig, split: str) -> None:
    """Of a split of the run's own data, right after training."""
    found = _own_overlap(
        config.data,
        config.train_split,
        config.augment,
        config.train_samples,
        split,
        config.eval_samples,
    )
    _tell(writer, run_id, split, found)


@lru_cache(maxsize=8)
def _own_overlap(
    data: str, train_split: str, augment: str, train_samples: int, split: str, eval_samples: int
) -> Overlap:
    """The same for all seeds and objectives of a call."""
    train = list(split_rows(data, train_split, train_samples))
    if augment:
        train += list(split_rows(augment, training_split(augment), 0))
    return overlap_with_training(train, list(split_rows(data, split, eval_samples)))


def tell_overlap(writer: StoreWriter, run: Run, rows: Sequence[Example], split: str) -> None:
    """Of any other pairs, before they are evaluated; that it is not known is told as well."""
    try:
        train = training_pairs(run)
    except NliError as error:
        say(f"{split}: overlap with training is not known: {error.message}")
        return
    _tell(writer, run.id, split, overlap_with_training(train, rows))


def _tell(writer: StoreWriter, run_id: str, split: str, found: Overlap) -> None:
    say(f"{split}: {found.sentence}")
    writer.remember(run_id, **{overlap_key(split): found.as_dict()})
