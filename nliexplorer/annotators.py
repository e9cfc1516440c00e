"""Several annotators' judgements of a pair: their labels, or the share of each label."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from nliexplorer.records import ENTAILMENT, GOLD_NAMES, LABELS, NON_ENTAILMENT, TWO_WAY

#: With fewer annotators a share means little; a single one is just the gold label.
FEWEST_ANNOTATORS = 2
#: Column of a pair whose annotators are known by their shares alone, in the order of LABELS.
SHARES = "label_dist"
#: Two labels that as many annotators gave.
TIE = -1
_SUM_TOLERANCE = 0.02  # published shares are rounded


def label_distribution(
    votes: Sequence[int], classes: int | None = None
) -> tuple[float, ...] | None:
    """Share of each class among the annotators' labels; None with too few of them.

    `classes` is 3, or 2 in the order of TWO_WAY, by default as the labels need.
    """
    if len(votes) < FEWEST_ANNOTATORS:
        return None
    if classes is None:
        classes = len(TWO_WAY) if NON_ENTAILMENT in votes else len(LABELS)
        if classes == len(TWO_WAY):
            votes = [int(vote != ENTAILMENT) for vote in votes]
    if max(votes) >= classes:
        return None
    return tuple(votes.count(label) / len(votes) for label in range(classes))


def human_distribution(
    votes: Sequence[int], columns: Mapping[str, Any]
) -> tuple[float, ...] | None:
    """Share of each label by the annotators' labels, else by the pair's SHARES; None of neither."""
    if votes:
        return label_distribution(votes)
    return checked_shares(columns.get(SHARES))


def checked_shares(values: Any) -> tuple[float, ...] | None:
    """Three shares of a distribution, or two; None for anything else."""
    if not isinstance(values, list | tuple) or len(values) not in (len(LABELS), len(TWO_WAY)):
        return None
    if not all(type(value) in (int, float) and 0 <= value <= 1 for value in values):
        return None
    total = math.fsum(values)
    if abs(total - 1.0) > _SUM_TOLERANCE:
        return None
    return tuple(value / total for value in values)


def votes_text(votes: Sequence[int]) -> str:
    """`3 entailment, 2 neutral`, the most first."""
    counts = Counter(votes).most_common()
    return ", ".join(f"{count:,} {GOLD_NAMES[label]}" for label, count in counts)


def share_of(distribution: Sequence[float], label: int) -> float | None:
    """The share of annotators who gave a label; None where they were asked for two others."""
    if label == ENTAILMENT:
        return distribution[0]
    if label == NON_ENTAILMENT:
        return math.fsum(distribution[1:])
    return distribution[label] if len(distribution) == len(LABELS) else None


def entropy(distribution: Sequence[float]) -> float:
    """Of the annotators' labels, nats: 0 where all agree, ln 3 where they are evenly split."""
    return -math.fsum(share * math.log(share) for share in distribution if share > 0) or 0.0


def majority(distribution: Sequence[float]) -> int:
    """The label, an index into GOLD_NAMES, that most gave; TIE where there is no such one."""
    most = max(distribution)
    labels = [label for label, share in enumerate(distribution) if share == most]
    if len(labels) > 1:
        return TIE
    return labels[0] if len(distribution) == len(LABELS) else TWO_WAY[labels[0]]
