"""Evaluations of one or more runs, cut to the pairs that all of them predicted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from nliexplorer.analysis.leakage import known_overlap
from nliexplorer.analysis.outputs import IntArray, Outputs, outputs
from nliexplorer.analysis.significance import left_out_sentence
from nliexplorer.errors import NliError
from nliexplorer.records import EvaluationRef, Run
from nliexplorer.store.filters import EVERYTHING, Filter
from nliexplorer.store.reader import Counterpart, PredictionArrays, StoreReader


def outputs_of(arrays: PredictionArrays) -> Outputs:
    """Stored predictions in the form that the analysis takes."""
    return outputs(
        arrays.gold,
        logits=arrays.logits,
        probabilities=arrays.probabilities,
        predicted=arrays.predicted,
        two_label=arrays.two_label,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the runs on the shared pairs.

    `left_out`: pairs of its evaluation that some other run lacks; of the runs after the first they
    are not counted under a filter. `counterpart`: how its evaluation was found, None for the first.
    """

    run: Run
    evaluation: EvaluationRef
    arrays: PredictionArrays
    outputs: Outputs
    left_out: int
    counterpart: Counterpart | None = None

    @property
    def split(self) -> str:
        return self.evaluation.split

    @property
    def unanswered(self) -> int:
        """Pairs of its whole evaluation without an answer that could be read: none is compared."""
        metrics = self.run.metrics.get(self.split)
        return metrics.unanswered if metrics else 0

    @property
    def overlap(self) -> str:
        """What was found of the run's training pairs among these; empty where nobody looked."""
        return known_overlap(self.run.summary, self.split)


@dataclass(frozen=True, slots=True, eq=False)
class PairedRuns:
    """Runs and their predictions of the same pairs, row by row, in the order of the first.

    `total`: pairs that all the runs predicted, before anything was selected among them;
    `incomplete`: further pairs, that only some of them predicted.
    """

    sides: tuple[Side, ...]
    total: int
    incomplete: int
    selected: bool  # whether a filter or a set of ids picked some of them

    @property
    def n(self) -> int:
        return self.sides[0].outputs.n

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(side.run for side in self.sides)

    @property
    def evaluations(self) -> tuple[EvaluationRef, ...]:
        return tuple(side.evaluation for side in self.sides)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(side.run.name for side in self.sides)

    @property
    def split(self) -> str:
        """What the first run calls the pairs."""
        return self.sides[0].split

    @property
    def arrays(self) -> tuple[PredictionArrays, ...]:
        return tuple(side.arrays for side in self.sides)

    @property
    def outputs(self) -> tuple[Outputs, ...]:
        return tuple(side.outputs for side in self.sides)

    @property
    def ids(self) -> IntArray:
        """[n] row ids of the first run's predictions."""
        return self.sides[0].arrays.ids

    @property
    def overlaps(self) -> list[str]:
        """Each run's overlap with its training pairs, as a sentence or empty."""
        return [side.overlap for side in self.sides]

    @property
    def count(self) -> str:
        """`300 pairs`, or `31 of 300 pairs` under a filter."""
        if not self.selected:
            return f"{self.total:,} pair{'' if self.total == 1 else 's'}"
        return f"{self.n:,} of {self.total:,} pairs"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures should know of the pairs they are about."""
        own_notes = [*self.unanswered_notes, self.merged_note, self.left_out]
        return (*self._counterpart_notes(), *filter(None, own_notes))

    @property
    def unanswered_notes(self) -> list[str]:
        """A sentence on each run that left pairs without an answer: these are not measured."""
        return [
            f"{side.run.name}: no answer to {side.unanswered:,} of "
            f"{side.run.metrics[side.split].n:,} pairs, which are neither right nor wrong"
            for side in self.sides
            if side.unanswered
        ]

    @property
    def merged_note(self) -> str:
        """A sentence where two-way answers bring all the runs down to two classes."""
        two_way = [side.run.name for side in self.sides if side.arrays.two_way]
        if not two_way or len(two_way) == len(self.sides):
            return ""
        verb = "answers" if len(two_way) == 1 else "answer"
        return (
            f"{' and '.join(two_way)} {verb} in two classes: all runs are compared on entailment "
            "and the rest"
        )

    @property
    def left_out(self) -> str:
        """A sentence on pairs that not every run answered; empty where there are none."""
        return left_out_sentence(self.n, self.names, [side.left_out for side in self.sides])

    def _counterpart_notes(self) -> Iterable[str]:
        first = self.sides[0]
        for side in self.sides[1:]:
            if side.counterpart is None:
                continue
            if side.split != first.split:
                yield f"{side.run.name} has these pairs under the name {side.split}"
            if ties := side.counterpart.ties:
                names = " and ".join(tie.evaluation.split for tie in ties)
                yield (
                    f"{side.run.name} has as many of these pairs under {names}; "
                    f"{side.split} is compared"
                )

    def counterpart_documents(self) -> list[dict[str, Any]]:
        """Each later run's evaluation and the overlap it was chosen by, as JSON values."""
        return [
            counterpart_document(side.counterpart)
            for side in self.sides[1:]
            if side.counterpart is not None
        ]

    def take(self, mask: Any) -> PairedRuns:
        """The pairs that a mask or index picks."""
        sides = tuple(
            replace(side, arrays=side.arrays.take(mask), outputs=side.outputs.take(mask))
            for side in self.sides
        )
        return PairedRuns(sides, self.total, self.incomplete, True)


def counterpart_document(counterpart: Counterpart) -> dict[str, Any]:
    """The `counterpart` of a comparison's JSON."""
    return {
        "run": counterpart.evaluation.run_id,
        "split": counterpart.evaluation.split,
        "shared": counterpart.shared,
        "only_a": counterpart.only_here,
        "only_b": counterpart.only_there,
        "ties": [tie.evaluation.split for tie in counterpart.ties],
        "others": [
            {"split": other.evaluation.split, "shared": other.shared}
            for other in counterpart.others
        ],
    }


def pair_runs(
    reader: StoreReader,
    refs: Sequence[str],
    split: str | None = None,
    filter: Filter = EVERYTHING,
    ids: IntArray | None = None,
) -> PairedRuns:
    """Runs on the first one's split (default: its own) and wherever the others have its pairs.

    Refs are ids, prefixes or names. The other evaluations are those that share the most pairs with
    the first one's; see `pair_evaluations` for the rest.
    """
    first = reader.runs.evaluation(refs[0], split)
    counterparts = [reader.runs.counterpart(first, ref) for ref in refs[1:]]
    evaluations = [first, *(each.evaluation for each in counterparts)]
    return pair_evaluations(reader, evaluations, filter, ids, counterparts)


def pair_evaluations(
    reader: StoreReader,
    evaluations: Sequence[EvaluationRef],
    filter: Filter = EVERYTHING,
    ids: IntArray | None = None,
    counterparts: Sequence[Counterpart] = (),
) -> PairedRuns:
    """The pairs that all evaluations hold, those that pass the filter read from the first's side.

    `ids`: row ids of the first one's predictions to which the pairs are cut as well. Raises
    NliError where no pair is in all, or none is selected.
    """
    runs = [reader.runs.get(evaluation.run_id) for evaluation in evaluations]
    filter = filter.against(*(run.name for run in runs[1:]))
    arrays = [reader.predictions.arrays(each, every_score=False) for each in evaluations]
    shared, total = _shared_pairs([each.example_ids for each in arrays])
    if not len(shared):
        raise NliError("these runs have no pair in common", "evaluate all on the same data")
    selected = not filter.is_empty or ids is not None
    passing = np.ones(len(arrays[0]), dtype=bool)
    if not filter.is_empty:
        passing &= np.isin(arrays[0].ids, reader.predictions.ids(evaluations[0], filter))
    if ids is not None:
        passing &= np.isin(arrays[0].ids, ids)
    in_all = np.isin(arrays[0].example_ids, shared)
    first = arrays[0].take(passing & in_all)
    if not len(first):
        raise NliError("none of these pairs is selected", "loosen the filter")
    left_out = [int((passing & ~in_all).sum())]
    left_out += [0 if selected else len(each) - len(shared) for each in arrays[1:]]
    how: list[Counterpart | None] = [None] * len(evaluations)
    how[1:] = counterparts or how[1:]
    ordered = [first, *(_in_order(each, first.example_ids) for each in arrays[1:])]
    columns = (runs, evaluations, ordered, _common_classes(ordered), left_out, how)
    sides = tuple(Side(*each) for each in zip(*columns, strict=True))
    return PairedRuns(sides, len(shared), total - len(shared), selected)


def _shared_pairs(ids: Sequence[IntArray]) -> tuple[IntArray, int]:
    """The pairs in all of the sets, and how many there are in any of them."""
    if all(np.array_equal(each, ids[0]) for each in ids[1:]):  # as a rule, and much faster
        return ids[0], len(ids[0])
    return reduce(np.intersect1d, ids), len(reduce(np.union1d, ids))


def _in_order(arrays: PredictionArrays, example_ids: IntArray) -> PredictionArrays:
    """The rows of `example_ids`, all of which it holds, in their order."""
    if np.array_equal(arrays.example_ids, example_ids):
        return arrays
    order = np.argsort(arrays.example_ids, kind="stable")
    return arrays.take(order[np.searchsorted(arrays.example_ids[order], example_ids)])


def _common_classes(arrays: Sequence[PredictionArrays]) -> list[Outputs]:
    """Outputs of every run; in two classes where any of them answers in two."""
    all_outputs = [outputs_of(each) for each in arrays]
    if any(each.two_way for each in all_outputs):
        return [each.merged() for each in all_outputs]
    return all_outputs
