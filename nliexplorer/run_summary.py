"""The keys of `Run.summary`, in one place: what is known about a run beside its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict


class RunSummary(TypedDict, total=False):
    """What is known about a run beside its columns; a key exists once its fact was recorded.

    Facts of one split have keys of their own: `overlap_key`, `cut_pairs_key`, `label_basis_key`.
    """

    versions: Mapping[str, str]  # installed packages
    platform: str
    git: str  # commit of the checkout, "+" where files differ
    typed: str  # the command line as it was typed
    data: Mapping[str, Mapping[str, Any]]  # split -> n, fingerprint, dropped
    folder: str  # of the checkpoint, from the database's folder
    training: Mapping[str, Any]  # what the trainer measured
    stopped_early: bool
    weights_sha256: str  # of the weights when they were saved
    log: Sequence[str]  # messages of the training
    error: str  # why the run failed
    measures: Mapping[str, Any]  # attributions measured by a study
    study_key: str  # task of a study that the run is
    scores: str  # imported: logits, probabilities or labels alone
    file: str  # imported: name of the file
    sha256: str  # imported: of the file
    dropped: Mapping[str, int]  # imported: rows left out by reason
    dropped_lines: Mapping[str, Sequence[int]]  # imported: their first lines by reason
    score_order: Sequence[str]  # imported: the classes of the scores as they stood in the file
    notes: Sequence[str]  # what was detected or assumed in reading the pairs


def overlap_key(split: str) -> str:
    """Key of a run's summary: how much of the split occurs in the run's training pairs."""
    return f"overlap_{split}"


def label_basis_key(split: str) -> str:
    """Key of a run's summary: what the meaning of the split's label numbers rests on."""
    return f"labels_{split}"


def cut_pairs_key(split: str) -> str:
    """Key of a run's summary: how many pairs of the split were cut to the model's length."""
    return f"cut_pairs_{split}"
