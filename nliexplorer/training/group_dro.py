"""Distributionally robust optimisation over groups of training pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from nliexplorer import processes
from nliexplorer.analysis.shortcuts import label_words
from nliexplorer.records import LABELS
from nliexplorer.wording import words

#: Groups below this share of the pairs join those of their label without artefact.
_SMALLEST = 0.01


def artefact_groups(hypotheses: Sequence[str], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group [n] of each pair, numbered without gaps: its label by the label that its hypothesis's
    give-away words speak for (Gururangan et al. 2018; none: a group of its own).

    The give-away words are the training set's own, 20 a label; of several labels the one with the
    strongest word counts.
    """
    strength: dict[str, tuple[float, int]] = {}
    for word in label_words(hypotheses, labels):
        entry = (word.pmi, LABELS.index(word.label))
        strength[word.word] = max(entry, strength.get(word.word, entry))
    none = len(LABELS)
    spoken = [
        max((strength[word] for word in words(text) if word in strength), default=(0.0, none))[1]
        for text in hypotheses
    ]
    groups = np.asarray(labels) * (none + 1) + np.asarray(spoken)
    numbers, sizes = np.unique(groups, return_counts=True)
    small = numbers[sizes < _SMALLEST * groups.size]
    groups = np.where(np.isin(groups, small), groups // (none + 1) * (none + 1) + none, groups)
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


class GroupWeights(TrainerCallback, ExportableState):
    """The weights q of group DRO (Sagawa et al. 2020, algorithm 1), kept in every checkpoint.

    The loss is sum_g q_g L_g with L_g the mean loss of group g; after each update
    q_g <- q_g exp(step · L_g) / sum. A pair of group g weighs q_g / p_g, p_g its group's share of
    the training pairs, which makes the mean over pairs that sum in expectation, however an update
    is split over micro-batches and processes. q starts at p, plain training.
    """

    def __init__(self, groups: NDArray[np.int64], step: float) -> None:
        self.groups = torch.from_numpy(groups)
        self.step = step
        self.shares = torch.bincount(self.groups).double() / len(groups)
        self.logs = self.shares.log()

    @property
    def q(self) -> Tensor:
        return torch.softmax(self.logs, 0)

    def of(self, rows: Tensor) -> Tensor:
        """Weights of the pairs [B] in the present update."""
        return (self.q / self.shares)[self.groups[rows.cpu()]].float().to(rows.device)

    def update(self, rows: Tensor, losses: Tensor) -> None:
        """Take in the plain losses of this process's pairs of one update; all processes call it."""
        groups, losses = self.groups[rows.cpu()], losses.detach().double().cpu()
        size = len(self.shares)
        sums = (
            torch.bincount(groups, losses, minlength=size),
            torch.bincount(groups, minlength=size),
        )
        total, count = processes.sum_arrays(torch.stack(sums).double().numpy())
        means = torch.from_numpy(total / np.maximum(count, 1))
        self.logs = torch.log_softmax(self.logs + self.step * means, 0)

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"logs": self.logs.tolist()}}

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        held = state.stateful_callbacks.setdefault(type(self).__name__, self.state())
        self.logs = torch.tensor(held["attributes"]["logs"], dtype=torch.float64)
