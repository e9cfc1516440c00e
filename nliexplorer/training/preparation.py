"""The training set as a configuration asks for it: tokens, and what the objective reads besides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nliexplorer.config import TrainConfig
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier
from nliexplorer.records import Example
from nliexplorer.training.dataset import (
    LabelledPairs,
    collect_shares,
    tokenise,
    training_pairs,
    with_shares,
)
from nliexplorer.training.debias import collect_hypotheses, hypothesis_expert
from nliexplorer.training.partners import edited_words, partners_of
from nliexplorer.training.penalties import get_penalty


@dataclass(frozen=True, slots=True)
class Prepared:
    """The pairs, what a user should know of them, and what the run's summary keeps."""

    pairs: LabelledPairs
    notes: tuple[str, ...]
    summary: dict[str, Any]


def prepare(
    classifier: Classifier, rows: Iterable[Example], config: TrainConfig, revised_from: int = 0
) -> Prepared:
    """Read the training rows once; see `train` for `revised_from`. Raises NliError where the rows
    lack what the configuration needs."""
    notes: list[str] = []
    summary: dict[str, Any] = {}
    needs_rationale = config.penalised and get_penalty(config.penalty).needs_rationale
    edits = needs_rationale and config.rationales == "counterfactual-edit"
    paired = edits or config.contrast or config.gradient_supervision > 0
    examples = list(rows) if paired else None
    hypotheses: list[str] = []
    debiased = config.debias != "none"
    shares: list[tuple[float, ...] | None] = []
    passing = examples if examples is not None else rows
    passing = collect_hypotheses(passing, hypotheses) if debiased else passing
    passing = collect_shares(passing, shares) if config.soft_labels else passing
    marked = needs_rationale and not edits
    pairs = training_pairs(tokenise(classifier, passing, with_rationale=marked), classifier)
    classes = len(classifier.classes)
    if examples is not None:
        pairs = _with_partners(classifier, examples, pairs, revised_from, edits)
        assert pairs.partners is not None
        known = int(pairs.partners.known.sum())
        notes.append(f"{known:,} of {len(pairs):,} pairs have a counterfactual partner")
        summary["partnered_pairs"] = known
    if pairs.rationale is not None:
        pairs, count = _with_share_of_rationales(pairs, config.rationale_share)
        notes.append(f"{count:,} of {len(pairs):,} pairs have a rationale")
        summary["rationale_pairs"] = count
    if config.soft_labels:
        pairs = with_shares(pairs, shares, classes)
        notes.append(f"soft labels: {pairs.annotated:,} of {len(pairs):,} pairs have annotators")
    if debiased:
        expert = hypothesis_expert(hypotheses, pairs.labels, classes)
        pairs = replace(pairs, expert=expert.log_probabilities)
        notes.append(f"hypothesis-only expert: accuracy {expert.accuracy:.4f} out of fold")
        summary |= expert.as_dict()
    return Prepared(pairs, tuple(notes), summary)


def _with_partners(
    classifier: Classifier,
    examples: Sequence[Example],
    pairs: LabelledPairs,
    revised_from: int,
    edits: bool,
) -> LabelledPairs:
    """The pairs with their counterfactual partners, and with `edits` their edits as rationales."""
    partners = partners_of(examples, pairs.encoded, revised_from)
    pairs = replace(pairs, partners=partners)
    if not edits:
        return pairs
    return replace(pairs, rationale=edited_words(classifier, examples, pairs.encoded, partners))


def _with_share_of_rationales(pairs: LabelledPairs, share: float) -> tuple[LabelledPairs, int]:
    """(the pairs with the rationales of a random part of those that have one, how many those are).

    The same part for every seed of training. Raises NliError where none is left.
    """
    assert pairs.rationale is not None
    offsets = pairs.encoded.offsets
    owner = np.repeat(np.arange(len(pairs)), np.diff(offsets))
    marked = np.unique(owner[pairs.rationale])
    order = np.random.default_rng(0).permutation(len(pairs))
    with_rationale = marked[order[marked] < share * len(pairs)]
    if not len(with_rationale):
        raise NliError(
            f"no pair of {len(pairs):,} is left with a rationale",
            "use a larger rationale_share, or data with more rationales",
        )
    return replace(pairs, rationale=pairs.rationale & np.isin(owner, with_rationale)), len(
        with_rationale
    )
