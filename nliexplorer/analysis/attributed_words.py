"""Which words get the attribution: in errors and right answers, by class and by sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.records import Word

_EDGES = ".,;:!?\"'()[]…"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One attributed pair; `id` is chosen by the caller."""

    words: tuple[Word, ...]
    gold: int
    wrong: bool
    id: int = 0

    def scores(self, segment: str) -> dict[str, float]:
        """Plain words of premise or hypothesis, repeats added up."""
        sums: dict[str, float] = {}
        for word in self.words:
            if word.segment == segment and (plain := plain_word(word.text)):
                sums[plain] = sums.get(plain, 0.0) + word.score
        return sums


@dataclass(frozen=True, slots=True)
class WordScore:
    """Mean attribution of one word over the pairs that contain it; None where no pair does.

    `mean` is signed, `size` the mean of |score|, both summed over repeats within a pair.
    """

    word: str
    n: int
    n_wrong: int
    mean: float
    size: float
    mean_wrong: float | None
    mean_right: float | None
    by_gold: tuple[float | None, ...]

    @property
    def gap(self) -> float | None:
        """How much larger the word's score is in errors than in right answers."""
        if self.mean_wrong is None or self.mean_right is None:
            return None
        return self.mean_wrong - self.mean_right

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def plain_word(text: str) -> str:
    """Lower case, without the punctuation attached to it; empty for punctuation alone."""
    return text.lower().strip(_EDGES)


def word_scores(
    pairs: Iterable[Occurrence], *, segment: str = "hypothesis", minimum: int = 5
) -> tuple[WordScore, ...]:
    """Words of `segment` in at least `minimum` pairs, by falling total |score|."""
    occurrences: dict[str, list[tuple[float, int, bool]]] = {}
    for pair in pairs:
        for plain, score in pair.scores(segment).items():
            occurrences.setdefault(plain, []).append((score, pair.gold, pair.wrong))
    rows = [_summary(word, uses) for word, uses in occurrences.items() if len(uses) >= minimum]
    return tuple(sorted(rows, key=lambda row: (-row.size * row.n, row.word)))


def _summary(word: str, occurrences: list[tuple[float, int, bool]]) -> WordScore:
    scores = np.array([score for score, _, _ in occurrences])
    gold = np.array([label for _, label, _ in occurrences])
    wrong = np.array([was_wrong for _, _, was_wrong in occurrences])
    return WordScore(
        word=word,
        n=len(occurrences),
        n_wrong=int(wrong.sum()),
        mean=float(scores.mean()),
        size=float(np.abs(scores).mean()),
        mean_wrong=_mean(scores[wrong]),
        mean_right=_mean(scores[~wrong]),
        by_gold=tuple(_mean(scores[gold == label]) for label in range(3)),
    )


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    return float(values.mean()) if values.size else None
