"""Pairs that B fixed and pairs that it broke, their words on the colours of their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nliexplorer.comparison.pairs import PairedRuns
from nliexplorer.progress import say
from nliexplorer.records import (
    NON_ENTAILMENT,
    Attribution,
    Example,
    ExampleRow,
    Window,
    gold_name,
    predicted_name,
    probability_of,
)
from nliexplorer.report.pairs import PAGE_STEPS, moved_p_gold
from nliexplorer.store.reader import StoreReader
from nliexplorer.view.heatmap import Heatmap, heatmap
from nliexplorer.view.text import visible
from nliexplorer.workflow.run_models import has_model

SHOWN = 20


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run's prediction for a pair."""

    letter: str
    name: str
    predicted: str
    p_predicted: float | None
    p_gold: float | None
    right: bool
    window: Window | None  # of a long premise, the one that decided


@dataclass(frozen=True, slots=True)
class ChangedPair:
    """A pair that one run has right and the other wrong."""

    example_id: str
    gold: str
    lines: tuple[RunLine, RunLine]
    heat: Heatmap  # a row a run


def changed_pairs(
    reader: StoreReader, paired: PairedRuns, *, fixed: bool
) -> tuple[ChangedPair, ...]:
    """Up to twenty fixed (or broken) pairs, those first whose P(gold) moved most.

    Where both models are on this machine, attributions that are not stored are made for the page.
    """
    a, b = paired.arrays
    mask = (~a.correct & b.correct) if fixed else (a.correct & ~b.correct)
    index = np.flatnonzero(mask)
    moved = np.abs(moved_p_gold(paired))
    index = index[np.argsort(-moved[index], kind="stable")][:SHOWN]
    rows = [reader.predictions.rows_by_id(arrays.ids[index]) for arrays in (a, b)]
    keys = [row.example_id for row in rows[0]]
    scores = [reader.attributions.of_pairs(run.id, keys) for run in paired.runs]
    windows = [any(row.window for row in rows_of_run) for rows_of_run in rows]
    examples = reader.examples.by_id(a.example_ids[index])
    _explain_missing(paired, dict(zip(keys, examples, strict=True)), scores, windows)
    return tuple(
        _changed(
            (one, two),
            [attributions.get(one.example_id) for attributions in scores],
            (paired.runs[0].name, paired.runs[1].name),
        )
        for one, two in zip(*rows, strict=True)
    )


def _explain_missing(
    paired: PairedRuns,
    examples: Mapping[str, Example],
    scores: Sequence[dict[str, Attribution]],
    windows: Sequence[bool],
) -> None:
    """Puts into `scores` (one a run, by key) what is not stored of the `examples` (by key), of the
    gold class; `windows`: for each run, whether it reads long premises by windows.
    """
    unexplained = {
        key: example
        for key, example in examples.items()
        if example.label != NON_ENTAILMENT
        and not all(key in attributions for attributions in scores)
    }
    if not unexplained or not all(has_model(run) for run in paired.runs):
        return
    say(f"report: explaining {len(unexplained)} pairs that changed")
    from nliexplorer.workflow.explain import explain_examples

    views = explain_examples(paired.runs, list(unexplained.values()), PAGE_STEPS, windows)
    for key, both in zip(unexplained, views, strict=True):
        for attributions, view in zip(scores, both, strict=True):
            if view.attribution is not None:
                attributions.setdefault(key, view.attribution)


def _changed(
    rows: tuple[ExampleRow, ExampleRow],
    attributions: Sequence[Attribution | None],
    names: tuple[str, str],
) -> ChangedPair:
    heat = heatmap(rows[0].premise, rows[0].hypothesis, attributions)
    lines = [_line("AB"[i], names[i], rows[i]) for i in (0, 1)]
    return ChangedPair(rows[0].example_id, gold_name(rows[0].gold), (lines[0], lines[1]), heat)


def _line(letter: str, name: str, row: ExampleRow) -> RunLine:
    p = row.probabilities
    return RunLine(
        letter=letter,
        name=visible(name),
        predicted=predicted_name(row.predicted),
        p_predicted=probability_of(p, row.predicted),
        p_gold=probability_of(p, row.gold),
        right=bool(row.correct),
        window=row.window,
    )
