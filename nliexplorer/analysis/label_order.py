"""Detects gold labels in the wrong order: another order fits the predictions far better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from nliexplorer.analysis.significance import mcnemar_exact

#: By how much accuracy must rise before an order is suspected, and how surely.
POINTS, LEVEL = 0.15, 0.01


@dataclass(frozen=True, slots=True)
class BetterOrder:
    """`meaning[k]`: the class that gold label k has if the labels are in the other order."""

    meaning: tuple[int, int, int]
    accuracy: float  # as the labels are read now
    other_accuracy: float
    n: int


def better_order(gold: Sequence[int], predicted: Sequence[int]) -> BetterOrder | None:
    """The permutation of three gold labels under which a run is right at least POINTS more often.

    gold, predicted: [n] in 0..2; pairs with other labels are left out. None where no permutation
    is better by so much, or the pairs that decide are too few (McNemar's exact test at LEVEL,
    Bonferroni-corrected for the five other orders).
    """
    confusion = np.zeros((3, 3), dtype=np.int64)
    pairs = np.stack([np.asarray(gold, np.int64), np.asarray(predicted, np.int64)])
    pairs = pairs[:, ((pairs >= 0) & (pairs < 3)).all(axis=0)]
    np.add.at(confusion, (pairs[0], pairs[1]), 1)
    n = int(confusion.sum())
    if not n:
        return None
    orders = list(permutations(range(3)))
    right = [int(sum(confusion[label, order[label]] for label in range(3))) for order in orders]
    best = int(np.argmax(right))
    now, then = right[orders.index((0, 1, 2))], right[best]
    if then - now < POINTS * n:
        return None
    moved = [label for label in range(3) if orders[best][label] != label]
    lost = int(sum(confusion[label, label] for label in moved))
    gained = int(sum(confusion[label, orders[best][label]] for label in moved))
    if mcnemar_exact(gained, lost) * (len(orders) - 1) > LEVEL:
        return None
    a, b, c = orders[best]
    return BetterOrder((a, b, c), now / n, then / n, n)
