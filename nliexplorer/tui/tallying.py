"""The attributions of both runs, tallied word by word. Runs on a thread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from textual.worker import get_current_worker

from nliexplorer.analysis.attributed_words import Occurrence, WordScore, word_scores
from nliexplorer.analysis.outputs import FloatArray
from nliexplorer.records import Run
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.queries import evaluation_of
from nliexplorer.tui.session import OvertakenError
from nliexplorer.tui.state import Selection


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """One run: its attributed pairs, and the shape of their attributions."""

    run: Run
    pairs: tuple[Occurrence, ...]
    shapes: dict[str, FloatArray]  # finite values of each column

    def words(self, segment: str, which: str) -> tuple[WordScore, ...]:
        """Words of premise or hypothesis; `which`: all, wrong, right, or a gold label's number."""
        kept = self.pairs
        if which == "wrong":
            kept = tuple(pair for pair in kept if pair.wrong)
        elif which == "right":
            kept = tuple(pair for pair in kept if not pair.wrong)
        elif which != "all":
            kept = tuple(pair for pair in kept if pair.gold == int(which))
        return word_scores(kept, segment=segment)


def tallied(reader: StoreReader, chosen: Selection) -> list[Tally]:
    """A's tally and B's; stops when the question was overtaken."""
    worker = get_current_worker()
    found = []
    for run in chosen.runs:
        evaluation = evaluation_of(reader, run, chosen)
        pairs = []
        for pair in reader.attributions.pairs(evaluation):
            if worker.is_cancelled:
                raise OvertakenError
            words = pair.attribution.words(pair.premise, pair.hypothesis)
            pairs.append(Occurrence(tuple(words), pair.gold, not pair.correct))
        arrays = reader.predictions.arrays(evaluation)
        shapes = reader.attributions.shapes(run.id, arrays.example_ids)
        known = {name: values[np.isfinite(values)] for name, values in shapes.items()}
        found.append(Tally(run, tuple(pairs), known))
    return found


@dataclass(frozen=True, slots=True)
class WordRow:
    """A word in A and, where B has it too, in B."""

    word: str
    a: WordScore | None
    b: WordScore | None


ORDERS = ("total", "strength", "errors")


def word_rows(tallies: list[Tally], segment: str, which: str, order: str) -> list[WordRow]:
    """Words of both runs: by total |score|, by mean |score|, or by how much more errors have."""
    tables = [{row.word: row for row in t.words(segment, which)} for t in tallies]
    names = {name for table in tables for name in table}
    rows = [
        WordRow(name, tables[0].get(name), tables[1].get(name) if len(tables) > 1 else None)
        for name in names
    ]

    def weight(row: WordRow) -> float:
        scores = [score for score in (row.a, row.b) if score]
        if order == "strength":
            return max(score.size for score in scores)
        if order == "errors":
            return max(abs(score.gap or 0.0) * min(score.n_wrong, 10) / 10 for score in scores)
        return max(score.size * score.n for score in scores)

    return sorted(rows, key=lambda row: (-weight(row), row.word))
