"""The columns that slices are cut by, gathered from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nliexplorer.analysis.shortcuts import HypothesisOnly, hypothesis_only
from nliexplorer.analysis.slicing import SliceTable
from nliexplorer.records import Example
from nliexplorer.store.reader import PredictionArrays, StoreReader

#: A column of the source with more values than this tells pairs apart, not kinds of pairs.
_KINDS = 40


def slice_table(
    reader: StoreReader,
    run_id: str,
    arrays: PredictionArrays,
    alone: HypothesisOnly | None = None,
) -> SliceTable:
    """A table of `arrays`' pairs under a run, with what sources and attributions know of them.

    `alone`: what `fit_alone` found for the same pairs.
    """
    examples = reader.examples.by_id(arrays.example_ids)
    return SliceTable(
        gold=arrays.gold,
        predicted=arrays.predicted,
        correct=arrays.correct,
        length=arrays.length,
        premises=[e.premise for e in examples],
        hypotheses=[e.hypothesis for e in examples],
        confidence=arrays.confidence,
        annotators=[e.annotator_labels for e in examples],
        hypothesis_only=None if alone is None else alone.correct,
        attribution=reader.attributions.shapes(run_id, arrays.example_ids),
        extra=_kinds(examples),
    )


def _kinds(examples: Sequence[Example]) -> Mapping[str, Sequence[str]]:
    """Text columns of the source, such as HANS's heuristic, that name a few kinds of pairs."""
    names = {key for e in examples for key, value in e.extra.items() if isinstance(value, str)}
    columns = {name: [str(e.extra.get(name, "–")) for e in examples] for name in sorted(names)}
    return {name: each for name, each in columns.items() if 1 < len(set(each)) <= _KINDS}


def fit_alone(reader: StoreReader, arrays: PredictionArrays) -> HypothesisOnly:
    """Which of the pairs the hypothesis alone gives away, out of fold. May raise NliError."""
    return hypothesis_only(reader.examples.texts(arrays.example_ids)[1], arrays.gold)
