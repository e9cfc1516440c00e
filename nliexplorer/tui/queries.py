"""What screens read on worker threads: pages of the list, one pair with all that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nliexplorer.comparison.pairs import PairedRuns, pair_runs
from nliexplorer.errors import NliError
from nliexplorer.records import EvaluationRef, Example, ExampleRow, Run, token_dicts
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.state import Ids, Selection
from nliexplorer.tui.widgets.example_list import ListRow
from nliexplorer.view.pair import PairView, RunView
from nliexplorer.view.palette import Palette


@dataclass(frozen=True, slots=True)
class PairData:
    """One pair and what is known of it."""

    row: ExampleRow
    example: Example
    runs: tuple[RunView, ...]
    tags: tuple[str, ...]
    note: str
    target_kind: str

    def view(self, palette: Palette, difference: bool, dense: bool) -> PairView:
        return PairView(
            premise=self.row.premise,
            hypothesis=self.row.hypothesis,
            gold=self.row.gold,
            runs=self.runs,
            palette=palette,
            premise_rationale=self.example.premise_rationale,
            hypothesis_rationale=self.example.hypothesis_rationale,
            difference=difference,
            dense=dense,
            metadata=self.example.extra,
            votes=self.example.annotator_labels,
        )

    def as_dict(self) -> dict[str, Any]:
        """The row, and what each run attributes to which token, as JSON values."""
        attributions = [
            {"run": run.name, "tokens": token_dicts(scored.tokens, scored.segments, scored.scores)}
            for run in self.runs
            if (scored := run.attribution)
        ]
        return self.row.as_dict() | {"attributions": attributions}


def evaluation_of(reader: StoreReader, run: Run, selection: Selection) -> EvaluationRef:
    """Of A the selected split; of another run, where it predicted those pairs, or NliError."""
    assert selection.a
    here = EvaluationRef(selection.a.id, selection.split)
    if run.id == here.run_id:
        return here
    return reader.runs.counterpart(here, run.id).evaluation


def paired_runs(reader: StoreReader, selection: Selection, *, others: bool = True) -> PairedRuns:
    """A, B and unless told not to the others, on the selected pairs that all of them predicted."""
    ids = selection.subset.ids if selection.subset else None
    runs = [run.id for run in (selection.all_runs if others else selection.runs)]
    return pair_runs(reader, runs, selection.split, selection.full_filter, ids)


def _evaluation_or_none(
    reader: StoreReader, run: Run, selection: Selection
) -> EvaluationRef | None:
    try:
        return evaluation_of(reader, run, selection)
    except NliError:
        return None


def matching_ids(reader: StoreReader, selection: Selection) -> Ids:
    """Prediction ids of A that pass the filter, in the order of the list."""
    assert selection.a
    ids = reader.predictions.ids(
        evaluation_of(reader, selection.a, selection), selection.full_filter
    )
    return ids if selection.subset is None else ids[np.isin(ids, selection.subset.ids)]


def first_rows(reader: StoreReader, selection: Selection, limit: int) -> list[ListRow]:
    """The first page, without knowing how many rows there are."""
    assert selection.a
    if selection.filter.limit is not None:
        limit = min(limit, selection.filter.limit)
    here = evaluation_of(reader, selection.a, selection)
    page = reader.predictions.page(here, selection.full_filter, limit=limit)
    return _with_other(reader, selection, page.rows)


def rows_of(reader: StoreReader, selection: Selection, ids: Ids) -> list[ListRow]:
    return _with_other(reader, selection, reader.predictions.rows_by_id(ids))


def _with_other(
    reader: StoreReader, selection: Selection, rows: Sequence[ExampleRow]
) -> list[ListRow]:
    there = _evaluation_or_none(reader, selection.b, selection) if selection.b else None
    if not there:
        return [ListRow(row) for row in rows]
    further = [_evaluation_or_none(reader, run, selection) for run in selection.others]
    entries = []
    for row in rows:
        b, *more = (
            _predicted(reader, evaluation, row.example_id) for evaluation in (there, *further)
        )
        entries.append(ListRow(row, b, tuple(more)))
    return entries


def _predicted(
    reader: StoreReader, evaluation: EvaluationRef | None, example_id: str
) -> int | None:
    row = reader.predictions.row(evaluation, example_id) if evaluation else None
    return row.predicted if row else None


def first_error(reader: StoreReader, selection: Selection) -> str | None:
    """Id of the first pair of the list that A gets wrong."""
    rows = first_rows(reader, _errors(selection), 1)
    return rows[0].row.example_id if rows else None


def opening_row(reader: StoreReader, selection: Selection) -> ExampleRow | None:
    """The pair that the examples screen would open at: the first error, if there is one."""
    assert selection.a
    rows = first_rows(reader, _errors(selection), 1) or first_rows(reader, selection, 1)
    return rows[0].row if rows else None


def place_of(reader: StoreReader, selection: Selection, ids: Ids, example_id: str | None) -> int:
    """The pair's place in the list; 0 if it is not in it."""
    if example_id is None:
        return 0
    assert selection.a
    number = reader.predictions.id_of(evaluation_of(reader, selection.a, selection), example_id)
    places = np.flatnonzero(ids == (-1 if number is None else number))
    return int(places[0]) if len(places) else 0


@dataclass(frozen=True, slots=True)
class PairPosition:
    """A pair, and its position in the list; None where the list lacks it."""

    example_id: str
    position: int | None


def find_by_id(reader: StoreReader, selection: Selection, ids: Ids, prefix: str) -> PairPosition:
    """The pair of A's split whose id begins with `prefix`, those of the list first."""
    assert selection.a
    matches = reader.predictions.ids(
        evaluation_of(reader, selection.a, selection), Filter.of({"id": prefix})
    )
    if not len(matches):
        raise NliError(f"no pair of {selection.split} has an id that begins with {prefix}",
                       "the id of the pair in view is shown above it")  # fmt: skip
    positions = np.flatnonzero(np.isin(ids, matches))
    number = ids[positions[0]] if len(positions) else matches[0]
    (row,) = reader.predictions.rows_by_id([int(number)])
    return PairPosition(row.example_id, int(positions[0]) if len(positions) else None)


#: What a preview shows first; the rest of the pairs follows in the order of the list.
PREVIEW_ORDERS = ("errors", "disagreements", "in order")


def preview(
    reader: StoreReader, selection: Selection, limit: int, order: str = PREVIEW_ORDERS[0]
) -> list[ListRow]:
    """The first pairs that the examples screen would list, those of `order` before the others.

    `disagreements`: pairs that only one of A and B gets right.
    """
    terms: list[tuple[str, str]] = [("is", "wrong")] if order == "errors" else []
    if order == "disagreements" and selection.b:
        terms = [(name, selection.b.name) for name in ("fixed-by", "broken-by")]
    added = [Filter.of({name: value}) for name, value in terms]
    parts = [replace(selection, filter=selection.filter.joined(each)) for each in added]
    rows: dict[str, ListRow] = {}
    for part in (*parts, selection):
        if len(rows) < limit:
            for entry in _first(reader, part, limit):
                rows.setdefault(entry.row.example_id, entry)
    return list(rows.values())[:limit]


def _first(reader: StoreReader, selection: Selection, limit: int) -> list[ListRow]:
    if selection.subset is None:
        return first_rows(reader, selection, limit)
    if selection.filter.is_empty:
        return rows_of(reader, selection, selection.subset.ids[:limit])
    return rows_of(reader, selection, matching_ids(reader, selection)[:limit])


def ids_of(reader: StoreReader, selection: Selection, example_ids: Sequence[str]) -> Ids:
    """A's prediction ids of these pairs, in this order; pairs that A lacks are left out."""
    assert selection.a
    here = evaluation_of(reader, selection.a, selection)
    numbers = [reader.predictions.id_of(here, each) for each in example_ids]
    return np.array([number for number in numbers if number is not None], dtype=np.int64)


def error_positions(reader: StoreReader, selection: Selection, ids: Ids) -> Ids:
    """Places in the list where A is wrong."""
    if known := selection.filter.value("is"):
        return np.arange(len(ids) if known == "wrong" else 0)
    return np.flatnonzero(np.isin(ids, matching_ids(reader, _errors(selection))))


def _errors(selection: Selection) -> Selection:
    """The same, A's errors alone."""
    return replace(selection, filter=selection.filter.with_value("is", "wrong"))


def load_pair(
    reader: StoreReader, selection: Selection, row: ExampleRow, target_kind: str = "gold"
) -> PairData:
    """Everything about one pair; a run without a prediction or attribution has None there."""
    runs = []
    for run in selection.runs:
        there = None if run is selection.a else _evaluation_or_none(reader, run, selection)
        prediction = reader.predictions.row(there, row.example_id) if there else None
        prediction = row if run is selection.a else prediction
        attribution = reader.attributions.get(run.id, row.example_id, target_kind=target_kind)
        if attribution is None:
            attribution = reader.attributions.get(run.id, row.example_id)
        runs.append(RunView.of(run.name, prediction, attribution))
    return PairData(
        row=row,
        example=reader.examples.get(row.example_id).example,
        runs=tuple(runs),
        tags=tuple(reader.annotations.tags(row.example_id)),
        note=reader.annotations.note(row.example_id),
        target_kind=target_kind,
    )


def known_values(
    reader: StoreReader, runs: Sequence[Run], selection: Selection
) -> dict[str, list[str]]:
    """What the filter bar can complete beside labels: runs, tags in use, columns of the data."""
    names = [run.name for run in runs]
    tags = list(reader.annotations.all_tags())
    columns: list[str] = []
    if selection.a and selection.split:
        columns = reader.predictions.columns(evaluation_of(reader, selection.a, selection))
    return {"fixed-by": names, "broken-by": names, "b": names, "tag": tags, "meta": columns}


def describe(filter: Filter, shown: int, total: int) -> str:
    """`983 of 9,842 · 10.0 %`"""
    if filter.is_empty and shown == total:
        return f"{total:,} pairs"
    share = f" · {shown / total:.1%}".replace("%", " %") if total else ""
    return f"{shown:,} of {total:,}{share}"
