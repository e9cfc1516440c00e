"""Error rates of paired runs by slice, and the slices where two of them differ most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nliexplorer.analysis.outputs import IntArray
from nliexplorer.analysis.shortcuts import HypothesisOnly, hypothesis_only
from nliexplorer.analysis.slices import (
    Slice,
    SliceDifference,
    find_slices,
    searched_keys,
    slice_differences,
    slice_errors,
    slice_mask,
)
from nliexplorer.analysis.slicing import (
    PREFIX,
    SliceTable,
    available_keys,
    depends_on_run,
    group_by,
)
from nliexplorer.annotators import human_distribution
from nliexplorer.comparison.pairs import PairedRuns, Side
from nliexplorer.records import Example
from nliexplorer.store.filters import find_key
from nliexplorer.store.reader import StoreReader

#: Beyond so many pairs an interactive screen reads no texts and offers no slices by wording.
WORDED_PAIRS = 200_000
#: Key of the slices that `surprising` finds.
SURPRISING = "surprising"


@dataclass(frozen=True, slots=True, eq=False)
class SliceRow:
    """One slice: `errors` of every run, `differences` of every later run from the first.

    `members`: row ids of the first run's predictions. A difference is None where n = 0.
    """

    label: str
    n: int
    errors: tuple[Slice, ...]
    differences: tuple[SliceDifference | None, ...]
    members: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The slices of one key. `known`: how many of the pairs are in any of them.

    `cut_by`: whose predictions or attributions the key is about, empty for what is of the pairs.
    """

    key: str
    rows: tuple[SliceRow, ...]
    known: int
    cut_by: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SlicedRuns:
    """Paired runs with the columns they can be cut by, which are those of the first run."""

    paired: PairedRuns
    table: SliceTable

    @property
    def keys(self) -> tuple[str, ...]:
        return available_keys(self.table)

    def cut_by(self, key: str) -> str:
        """The run whose answers a key cuts by; empty for a key of the pairs themselves."""
        field = find_key(key)
        of_run = depends_on_run(key) or (field is not None and field.field.per_run)
        return self.paired.names[0] if of_run else ""

    def differences(self, keys: Sequence[str]) -> tuple[tuple[SliceDifference, ...], ...]:
        """Of each later run from the first: every slice of the keys, adjusted over all of them."""
        return tuple(
            slice_differences(self.table, side.outputs.correct, keys)
            for side in self.paired.sides[1:]
        )

    def cuts(self, keys: Sequence[str]) -> tuple[Cut, ...]:
        """The slices of each key under every run, empty ones too; q is over all the keys."""
        by_slice = [{each.parts: each for each in rows} for rows in self.differences(keys)]
        return tuple(self._cut(key, by_slice) for key in keys)

    def _cut(
        self, key: str, by_slice: Sequence[Mapping[tuple[tuple[str, str], ...], SliceDifference]]
    ) -> Cut:
        grouping = group_by(self.table, key)
        errors = [
            slice_errors(replace(self.table, correct=side.outputs.correct), key)
            for side in self.paired.sides
        ]
        rows = tuple(
            SliceRow(
                name,
                errors[0][i].n,
                tuple(of_run[i] for of_run in errors),
                tuple(differences.get(((key, name),)) for differences in by_slice),
                self.paired.ids[grouping.index == i],
            )
            for i, name in enumerate(grouping.names)
        )
        return Cut(key, rows, int((grouping.index >= 0).sum()), self.cut_by(key))

    @property
    def searched_keys(self) -> list[str]:
        """The keys that `find` tries where it is told none."""
        return searched_keys(self.table)

    def find(
        self, limit: int, other: int = 1, keys: Sequence[str] = ()
    ) -> tuple[SliceDifference, ...]:
        """Slices, and intersections of two, where run `other` differs most from the first."""
        correct = self.paired.outputs[other].correct
        return find_slices(self.table, correct, keys=keys, limit=limit)

    def find_documents(self, limit: int, keys: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The `slices --find` document: what `find` gives; of three runs or more of every later
        one, which each row then names."""
        others = range(1, len(self.paired.sides))
        name_it = len(others) > 1
        return [
            ({"run": self.paired.names[other]} if name_it else {}) | row.as_dict()
            for other in others
            for row in self.find(limit, other, keys)
        ]

    def surprising(self, limit: int) -> Cut:
        """What `find` gives of the first two runs as rows, with the pairs that each holds.

        Slices that hold the same pairs are one row with both labels. Further runs have their error
        rates, and no difference: theirs were not tested.
        """
        made: list[SliceRow] = []
        by_pairs: dict[bytes, int] = {}
        for row in self.find(limit):
            mask = slice_mask(self.table, row.parts)
            same = by_pairs.setdefault(mask.tobytes(), len(made))
            if same < len(made):
                made[same] = replace(made[same], label=f"{made[same].label} = {row.label}")
                continue
            rates = [1.0 - float(each.correct[mask].mean()) for each in self.paired.outputs]
            errors = tuple(Slice(row.key, row.slice, row.n, rate, None, None) for rate in rates)
            differences = (row, *(None for _ in rates[2:]))
            made.append(SliceRow(row.label, row.n, errors, differences, self.paired.ids[mask]))
        return Cut(SURPRISING, tuple(made), self.paired.n)

    def documents(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """The `slices` document: a row per run and slice, all cut by the first run's columns."""
        cuts = self.cuts(keys)
        return [
            _document(name, row, index, cut)
            for index, name in enumerate(self.paired.names)
            for cut in cuts
            for row in cut.rows
        ]


def _document(run: str, row: SliceRow, index: int, cut: Cut) -> dict[str, Any]:
    document: dict[str, Any] = {"run": run, **row.errors[index].as_dict()}
    document["cut_by"] = cut.cut_by or None
    # of two runs, both rows carry the one difference
    place = max(index - 1, 0) if len(row.errors) <= 2 else index - 1
    if row.differences and place >= 0 and (difference := row.differences[place]) is not None:
        names = ("delta", "ci_low", "ci_high", "fixed", "broken", "p", "q", "family")
        document["difference"] = {name: getattr(difference, name) for name in names}
    return document


def slice_runs(
    reader: StoreReader,
    paired: PairedRuns,
    *,
    hypothesis_only: HypothesisOnly | None = None,
    most_texts: int | None = None,
    fields: Sequence[str] = (),
) -> SlicedRuns:
    """The runs with all that is known of their pairs; of more than `most_texts` no wording.

    `hypothesis_only`: what `fit_hypothesis_only` gives for the same pairs. `fields`: fields of the
    filter language, read from the first run's side, as further columns.
    """
    first = paired.sides[0]
    arrays = first.arrays
    worded = most_texts is None or len(arrays) <= most_texts
    examples = reader.examples.by_id(arrays.example_ids) if worded else []
    table = SliceTable(
        gold=arrays.gold,
        predicted=first.outputs.predicted,
        correct=first.outputs.correct,
        length=arrays.length,
        premises=[example.premise for example in examples],
        hypotheses=[example.hypothesis for example in examples],
        confidence=first.outputs.confidence,
        annotators=[human_distribution(e.annotator_labels, e.extra) for e in examples] or None,
        hypothesis_only=None if hypothesis_only is None else hypothesis_only.correct,
        attribution=reader.attributions.shapes(first.run.id, arrays.example_ids),
        extra={**_columns(examples), **_fields(reader, first, fields)},
    )
    return SlicedRuns(paired, table)


def _fields(reader: StoreReader, side: Side, names: Sequence[str]) -> dict[str, Sequence[Any]]:
    """Values of filter fields for the side's pairs."""
    columns: dict[str, Sequence[Any]] = {}
    for name in names:
        values = reader.predictions.field_values(side.evaluation, name)
        columns[name] = [values.get(int(i)) for i in side.arrays.ids]
    return columns


def _columns(examples: Sequence[Example]) -> Mapping[str, Sequence[Any]]:
    """Columns of the source with one value per pair, such as HANS's heuristic."""
    simple = (str, int, float)
    names = {key for e in examples for key, value in e.extra.items() if isinstance(value, simple)}
    return {
        f"{PREFIX}{name}": [
            value if isinstance(value := e.extra.get(name), simple) else None for e in examples
        ]
        for name in sorted(names)
    }


def fit_hypothesis_only(reader: StoreReader, paired: PairedRuns) -> HypothesisOnly:
    """Which of the pairs the hypothesis alone gives away, out of fold. May raise NliError."""
    arrays = paired.sides[0].arrays
    return hypothesis_only(reader.examples.texts(arrays.example_ids)[1], arrays.gold)
