"""Which words get the attribution of paired runs, and how it is spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nliexplorer.analysis.attributed_words import Occurrence, WordScore, word_scores
from nliexplorer.analysis.outputs import FloatArray, IntArray
from nliexplorer.comparison.pairs import PairedRuns, Side
from nliexplorer.records import Run
from nliexplorer.store.reader import StoreReader

#: Word lists by total |score|, by mean |score|, or by how much larger the score is in errors.
ORDERS = ("total", "strength", "errors")
#: Errors from which on a difference between errors and right answers counts in full.
_ENOUGH_ERRORS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """One run: those of the `n` pairs that have an attribution, and the attributions' shapes.

    `wrong`: errors among the n pairs; of these and of the rest not all need have an attribution.
    """

    run: Run
    n: int
    wrong: int
    pairs: tuple[Occurrence, ...]
    shapes: dict[str, FloatArray]  # finite values of each column

    def of(self, which: str) -> tuple[Occurrence, ...]:
        """Attributed pairs; `which`: all, wrong, right, or a gold label's number."""
        if which == "wrong":
            return tuple(pair for pair in self.pairs if pair.wrong)
        if which == "right":
            return tuple(pair for pair in self.pairs if not pair.wrong)
        if which != "all":
            return tuple(pair for pair in self.pairs if pair.gold == int(which))
        return self.pairs

    def words(self, segment: str, which: str) -> tuple[WordScore, ...]:
        """Words of premise or hypothesis in the pairs of `which`."""
        return word_scores(self.of(which), segment=segment)

    def with_word(self, word: str, segment: str, which: str) -> IntArray:
        """Row ids, in the first run, of the pairs that are counted for the word."""
        ids = [pair.id for pair in self.of(which) if word in pair.scores(segment)]
        return np.array(ids, dtype=np.int64)

    def counted(self, short: bool = False) -> str:
        """`60 of 1,500 pairs attributed`, and how errors and, unless `short`, right answers are
        represented among them."""
        text = f"{len(self.pairs):,} of {self.n:,} pairs attributed"
        if not self.pairs or len(self.pairs) == self.n:
            return text
        errors = len(self.of("wrong"))
        text += f": {errors:,} of {self.wrong:,} errors"
        return text if short else f"{text}, {len(self.pairs) - errors:,} right"


def tally(
    reader: StoreReader, paired: PairedRuns, stop: Callable[[], None] = lambda: None
) -> tuple[Tally, ...]:
    """Every run's tally. `stop` is called before each pair and may raise to end it."""
    return tuple(_tally(reader, side, paired.ids, stop) for side in paired.sides)


def _tally(reader: StoreReader, side: Side, ids: IntArray, stop: Callable[[], None]) -> Tally:
    id_in_first = dict(zip(side.arrays.ids.tolist(), ids.tolist(), strict=True))
    pairs = []
    for pair in reader.attributions.pairs(side.evaluation):
        stop()
        if pair.id not in id_in_first:
            continue
        words = pair.attribution.words(pair.premise, pair.hypothesis)
        number = id_in_first[pair.id]
        pairs.append(Occurrence(tuple(words), pair.gold, not pair.correct, number))
    shapes = reader.attributions.shapes(side.run.id, side.arrays.example_ids)
    known = {name: values[np.isfinite(values)] for name, values in shapes.items()}
    correct = side.outputs.correct
    return Tally(side.run, len(correct), int((~correct).sum()), tuple(pairs), known)


@dataclass(frozen=True, slots=True)
class WordRow:
    """A word and its score under each run; None where a run has it in too few pairs."""

    word: str
    scores: tuple[WordScore | None, ...]


def word_rows(tallies: Sequence[Tally], segment: str, which: str, order: str) -> list[WordRow]:
    """Words of all the runs in one of ORDERS."""
    tables = [{row.word: row for row in t.words(segment, which)} for t in tallies]
    names = {name for table in tables for name in table}
    rows = [WordRow(name, tuple(table.get(name) for table in tables)) for name in names]

    def weight(row: WordRow) -> float:
        scores = [score for score in row.scores if score]
        if order == "strength":
            return max(score.size for score in scores)
        if order == "errors":
            return max(
                abs(score.gap or 0.0) * min(score.n_wrong, _ENOUGH_ERRORS) / _ENOUGH_ERRORS
                for score in scores
            )
        return max(score.size * score.n for score in scores)

    return sorted(rows, key=lambda row: (-weight(row), row.word))
