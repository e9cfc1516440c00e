"""Questions to the reader that worker threads ask: pages of the list, one pair with all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

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
        )

    def as_dict(self) -> dict[str, Any]:
        """The row, and what each run attributes to which token, as JSON values."""
        attributions = [
            {"run": run.name, "tokens": token_dicts(found.tokens, found.segments, found.scores)}
            for run in self.runs
            if (found := run.attribution)
        ]
        return self.row.as_dict() | {"attributions": attributions}


def evaluation_of(reader: StoreReader, run: Run, chosen: Selection) -> EvaluationRef:
    """Of A the selected split; of another run, where it predicted those pairs, or NliError."""
    assert chosen.a
    here = EvaluationRef(chosen.a.id, chosen.split)
    if run.id == here.run_id:
        return here
    return reader.runs.counterpart(here, run.id).evaluation


def _evaluation_or_none(reader: StoreReader, run: Run, chosen: Selection) -> EvaluationRef | None:
    try:
        return evaluation_of(reader, run, chosen)
    except NliError:
        return None


def matching_ids(reader: StoreReader, chosen: Selection) -> Ids:
    """Prediction ids of A that pass the filter, in the order of the list."""
    assert chosen.a
    ids = reader.predictions.ids(evaluation_of(reader, chosen.a, chosen), _filter_of(chosen))
    return ids if chosen.subset is None else ids[np.isin(ids, chosen.subset.ids)]


def first_rows(reader: StoreReader, chosen: Selection, limit: int) -> list[ListRow]:
    """The first page, without knowing how many rows there are."""
    assert chosen.a
    if chosen.filter.limit is not None:
        limit = min(limit, chosen.filter.limit)
    here = evaluation_of(reader, chosen.a, chosen)
    page = reader.predictions.page(here, _filter_of(chosen), limit=limit)
    return _with_other(reader, chosen, page.rows)


def rows_of(reader: StoreReader, chosen: Selection, ids: Ids) -> list[ListRow]:
    return _with_other(reader, chosen, reader.predictions.rows_by_id(ids))


def _with_other(
    reader: StoreReader, chosen: Selection, rows: Sequence[ExampleRow]
) -> list[ListRow]:
    there = _evaluation_or_none(reader, chosen.b, chosen) if chosen.b else None
    if not there:
        return [ListRow(row) for row in rows]
    entries = []
    for row in rows:
        other = reader.predictions.row(there, row.example_id)
        entries.append(ListRow(row, other.predicted if other else None))
    return entries


def _filter_of(chosen: Selection) -> Filter:
    """The filter, with B as the other run of `b.conf` and the like."""
    return chosen.filter.against(chosen.b.name) if chosen.b else chosen.filter


def first_error(reader: StoreReader, chosen: Selection) -> str | None:
    """Id of the first pair of the list that A gets wrong."""
    rows = first_rows(reader, _errors(chosen), 1)
    return rows[0].row.example_id if rows else None


def opening_row(reader: StoreReader, chosen: Selection) -> ExampleRow | None:
    """The pair that the examples screen would open at: the first error, if there is one."""
    assert chosen.a
    rows = first_rows(reader, _errors(chosen), 1) or first_rows(reader, chosen, 1)
    return rows[0].row if rows else None


def place_of(reader: StoreReader, chosen: Selection, ids: Ids, example_id: str | None) -> int:
    """Where the pair stands in the list; 0 where it does not."""
    if example_id is None:
        return 0
    assert chosen.a
    number = reader.predictions.id_of(evaluation_of(reader, chosen.a, chosen), example_id)
    places = np.flatnonzero(ids == (-1 if number is None else number))
    return int(places[0]) if len(places) else 0


def preview(reader: StoreReader, chosen: Selection, limit: int) -> list[ListRow]:
    """The first pairs that the examples screen would list."""
    if chosen.subset is None:
        return first_rows(reader, chosen, limit)
    return rows_of(reader, chosen, chosen.subset.ids[:limit])


def error_positions(reader: StoreReader, chosen: Selection, ids: Ids) -> Ids:
    """Places in the list where A is wrong."""
    if known := chosen.filter.value("is"):
        return np.arange(len(ids) if known == "wrong" else 0)
    return np.flatnonzero(np.isin(ids, matching_ids(reader, _errors(chosen))))


def _errors(chosen: Selection) -> Selection:
    """The same, A's errors alone."""
    return replace(chosen, filter=chosen.filter.with_value("is", "wrong"))


def load_pair(
    reader: StoreReader, chosen: Selection, row: ExampleRow, target_kind: str = "gold"
) -> PairData:
    """Everything about one pair; a run without a prediction or attribution has None there."""
    runs = []
    for run in chosen.runs:
        there = None if run is chosen.a else _evaluation_or_none(reader, run, chosen)
        seen = reader.predictions.row(there, row.example_id) if there else None
        seen = row if run is chosen.a else seen
        attribution = reader.attributions.get(run.id, row.example_id, target_kind=target_kind)
        if attribution is None:
            attribution = reader.attributions.get(run.id, row.example_id)
        runs.append(RunView.of(run.name, seen, attribution))
    return PairData(
        row=row,
        example=reader.examples.get(row.example_id).example,
        runs=tuple(runs),
        tags=tuple(reader.annotations.tags(row.example_id)),
        note=reader.annotations.note(row.example_id),
        target_kind=target_kind,
    )


def known_values(reader: StoreReader, runs: Sequence[Run]) -> dict[str, list[str]]:
    """What the filter bar can complete beside labels: names of runs, tags in use."""
    names = [run.name for run in runs]
    tags = list(reader.annotations.all_tags())
    return {"fixed-by": names, "broken-by": names, "b": names, "tag": tags}


def describe(filter: Filter, shown: int, total: int) -> str:
    """`983 of 9,842 · 10.0 %`"""
    if filter.is_empty and shown == total:
        return f"{total:,} pairs"
    share = f" · {shown / total:.1%}".replace("%", " %") if total else ""
    return f"{shown:,} of {total:,}{share}"
