"""Overlap of a test set with the training set."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nliexplorer.run_summary import RunSummary, overlap_key
from nliexplorer.wording import words

Pair = tuple[str, str]  # premise, hypothesis


@dataclass(frozen=True, slots=True)
class Overlap:
    """Counts of test pairs found in training; `near` includes `exact`.

    `exact`: same words in the same order in both sentences, whatever case and punctuation;
    `near`: Jaccard similarity of the pairs' word sets of at least `threshold`; `near_index`:
    positions of those test pairs.
    """

    n: int
    exact: int
    near: int
    premise: int
    hypothesis: int
    threshold: float
    near_index: tuple[int, ...] = ()

    @property
    def sentence(self) -> str:
        if not self.near and not self.premise:
            return (
                f"none of the {self.n:,} test pairs, and none of their premises, occurs in the "
                "training data"
            )
        return (
            f"{self.exact:,} of the {self.n:,} test pairs occur in the training data word for "
            f"word, {self.near:,} nearly; {self.premise:,} share a premise with it"
        )

    def as_dict(self) -> dict[str, int | float | str]:
        names = [name for name in self.__dataclass_fields__ if name != "near_index"]
        return {name: getattr(self, name) for name in names} | {"sentence": self.sentence}


#: The numbers of an Overlap that a run's summary keeps.
_STORED = frozenset({"n", "exact", "near", "premise", "hypothesis", "threshold"})


def known_overlap(summary: RunSummary, split: str) -> str:
    """What a run's summary knows of the overlap, as a sentence; empty where it was not measured."""
    overlap: Any = summary.get(overlap_key(split)) or {}
    if not overlap.keys() >= _STORED:
        return str(overlap.get("sentence", ""))
    return Overlap(**{name: overlap[name] for name in _STORED}).sentence


def overlap(train: Sequence[Pair], test: Sequence[Pair], threshold: float = 0.9) -> Overlap:
    """Overlap of `test` with `train`; exact, not approximate, at any size."""
    train_pairs = {_plain(pair) for pair in train}
    premises, hypotheses = {p for p, _ in train_pairs}, {h for _, h in train_pairs}
    keys = [_plain(pair) for pair in test]
    exact = [key in train_pairs for key in keys]
    near = _near(
        [key for key, duplicate in zip(keys, exact, strict=True) if not duplicate],
        train_pairs,
        threshold,
    )
    similar = [duplicate or key in near for key, duplicate in zip(keys, exact, strict=True)]
    return Overlap(
        n=len(test),
        exact=sum(exact),
        near=sum(similar),
        premise=sum(p in premises for p, _ in keys),
        hypothesis=sum(h in hypotheses for _, h in keys),
        threshold=threshold,
        near_index=tuple(i for i, duplicate in enumerate(similar) if duplicate),
    )


def _plain(pair: Pair) -> Pair:
    return " ".join(words(pair[0])), " ".join(words(pair[1]))


def _word_set(pair: Pair) -> frozenset[str]:
    """Words marked by sentence, so that moving a word across counts as a change."""
    return frozenset(
        [f"p:{word}" for word in pair[0].split()] + [f"h:{word}" for word in pair[1].split()]
    )


def _near(test: Sequence[Pair], train: set[Pair], threshold: float) -> set[Pair]:
    """Test pairs with a training pair at `threshold` or above: prefix filtering (Bayardo 2007).

    Two sets that similar must share one of each set's rarest words; only such pairs are compared.
    """
    if not test:
        return set()
    sets = [_word_set(pair) for pair in test]
    frequency = Counter(word for members in sets for word in members)
    index: defaultdict[str, list[int]] = defaultdict(list)
    for number, members in enumerate(sets):
        for word in _prefix(members, frequency, threshold):
            index[word].append(number)
    near: set[Pair] = set()
    for pair in train:
        members = _word_set(pair)
        known = [word for word in members if word in frequency]
        if len(known) < threshold * len(members):
            continue
        candidates = {
            number
            for word in _prefix(members, frequency, threshold)
            for number in index.get(word, ())
        }
        for number in candidates:
            shared = len(members & sets[number])
            if shared >= threshold * (len(members) + len(sets[number]) - shared):
                near.add(test[number])
    return near


def _prefix(members: frozenset[str], frequency: Counter[str], threshold: float) -> list[str]:
    """The rarest words, enough that a set at `threshold` cannot avoid them all."""
    size = len(members) - math.ceil(threshold * len(members) - 1e-9) + 1
    return sorted(members, key=lambda word: (frequency[word], word))[:size]
