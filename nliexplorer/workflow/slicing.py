"""The columns that slices are cut by, gathered from the store."""

from __future__ import annotations

from nliexplorer.analysis.slicing import SliceTable
from nliexplorer.store.reader import PredictionArrays, StoreReader


def slice_table(reader: StoreReader, run_id: str, arrays: PredictionArrays) -> SliceTable:
    """A table of `arrays`' pairs under a run, with what sources and attributions know of them."""
    examples = reader.stored_examples(arrays.example_ids)
    extra_keys = {key for e in examples for key, value in e.extra.items() if isinstance(value, str)}
    return SliceTable(
        gold=arrays.gold,
        predicted=arrays.predicted,
        correct=arrays.correct,
        length=arrays.length,
        premises=[e.premise for e in examples],
        hypotheses=[e.hypothesis for e in examples],
        confidence=arrays.confidence,
        annotators=[e.annotator_labels for e in examples],
        attribution=reader.attribution_shapes(run_id, arrays.example_ids),
        extra={key: [str(e.extra.get(key, "–")) for e in examples] for key in sorted(extra_keys)},
    )
