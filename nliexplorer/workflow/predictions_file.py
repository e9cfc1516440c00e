"""Somebody else's predictions, read and checked row by row, in any table `data.tabular` reads.

Numbers mean nothing by themselves: the label column goes through the guard of `data.labels`, and
the model's numbers and score positions are matched with it; see `prediction_order`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

from nliexplorer.data.fields import Fields, Statement, column_of, sample_rows
from nliexplorer.data.labels import Basis, label_key, parse_labels
from nliexplorer.data.rows import LabelEvidence, identifier, text_fault
from nliexplorer.data.source_spec import parse_spec
from nliexplorer.data.tabular import FORMATS, RawTable, file_format, open_table
from nliexplorer.data.tabular.columns import cell, find_column, has_cell, looks_like_answers
from nliexplorer.data.tabular.compression import STDIN
from nliexplorer.errors import NliError
from nliexplorer.records import Example, example_key
from nliexplorer.workflow.export import guarded
from nliexplorer.workflow.prediction_order import Order, prediction_order
from nliexplorer.workflow.score_columns import (
    ROUNDED,
    SUM_TOLERANCE,
    ScoreColumns,
    Scores,
    find_scores,
    probabilities,
)

Kind = Literal["logits", "probabilities", "labels alone"]
WANTED = "premise, hypothesis, label, and predicted_scores or predicted_label"
NO_GOLD = "no gold label"
_REPEATS = 3  # how often a pair may stand in a split and still be known by its id
_SHOWN_LINES = 10


@dataclass(slots=True)
class PredictionsFile:
    """n checked rows. `scores` and `predicted` [n], scores in the order of LABELS; None where
    labels stand alone. `gold_basis` and `order` say what the numbers' meaning rests on.
    """

    examples: list[Example] = field(default_factory=list)
    scores: list[Scores | None] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    kind: Kind = "labels alone"
    gold_basis: Basis = "words"
    order: Order = field(default_factory=Order)
    dropped: Counter[str] = field(default_factory=Counter)
    dropped_lines: dict[str, list[int]] = field(default_factory=dict)  # the first few
    notes: list[str] = field(default_factory=list)

    @property
    def gold(self) -> list[int]:
        """The gold labels [n], UNKNOWN where a pair has none."""
        return [each.gold for each in self.examples]


@dataclass(slots=True)
class _Row:
    """A row as it stands in the file; `scores` by position, or by label name where `named`."""

    line: int
    premise: str
    hypothesis: str
    gold: Any
    predicted: Any
    scores: Scores | None
    named: bool
    source_id: str
    example_id: Any


@dataclass(frozen=True)
class _Columns:
    """The columns of one predictions file."""

    fields: Fields
    predicted: str
    predicted_words: str
    scores: ScoreColumns | None

    @property
    def read(self) -> set[str]:
        f = self.fields
        columns = self.scores.columns if self.scores else ()
        own = {f.premise, f.hypothesis, f.label, f.source_id, f.words, "scores"}
        return {*own, self.predicted, self.predicted_words, *columns}


def read_predictions(
    source: str | Path, format_: str | None = None, *, labels: str = "", predicted_labels: str = ""
) -> PredictionsFile:
    """The whole file, checked; NliError names the line. Rows without a gold label are counted.

    `source` may carry options such as `?premise=COLUMN` (see `data.source_spec`); `labels` states
    what the numbers of the label column mean, `predicted_labels` those of the model.
    """
    spec = parse_spec(str(source), ())
    assert spec.path is not None
    if not format_ and spec.path != STDIN and spec.path.is_file() and not file_format(spec.path):
        raise NliError(
            f"{spec.path}: not a format this program reads by its name",
            f"name one with --format: {', '.join(sorted({*FORMATS.values()}))}",
        )
    raw = open_table(spec.path, format_, spec.table_options)
    stated = {**spec.stated.labels, **(parse_labels(labels) if labels else {})}
    names, first = sample_rows(raw)
    columns = _columns(names, first, raw, spec.stated)
    gold = LabelEvidence(raw.where, columns.fields.label, raw.unit, "--labels ")
    own = LabelEvidence(raw.where, columns.predicted, raw.unit, "--predicted-labels ")
    read = PredictionsFile(notes=list(raw.notes))
    rows: list[_Row] = []
    kinds: set[str] = set()
    for line, values in raw.rows():
        if isinstance(values, str):
            raise NliError(f"{raw.at(line)}: {values}", f"it takes {WANTED}")
        row = _row(values, line, columns, raw)
        gold.add(line, row.gold, cell(values, columns.fields.words))
        if label_key(row.gold) is None and not gold.stated_class(row.gold, stated):
            _drop(read, line)
            continue
        own.add(line, row.predicted, cell(values, columns.predicted_words))
        if columns.scores and columns.scores.column and isinstance(values.get("scores"), str):
            kinds.add(values["scores"])
        rows.append(row)
    if not rows:
        hint = f"rows left out: {dict(read.dropped)}" if read.dropped else f"it takes {WANTED}"
        raise NliError(f"{raw.where} holds no labelled predictions", hint)
    _same_kind_of_rows(rows, raw)
    positions = any(row.scores is not None and not row.named for row in rows)
    gold_map = gold.prove({}, stated, three_classes=positions or 0 in own.seen)
    read.gold_basis = gold_map.basis
    read.order = prediction_order(
        own, gold_map, predicted_labels, [(r.line, r.predicted, r.scores, r.named) for r in rows]
    )
    read.notes += [*gold.notes(gold_map), *read.order.notes]
    _take(read, rows, gold_map, raw.at)
    if rows[0].scores is not None:
        assert columns.scores is not None
        read.kind = _kind(read, rows, columns.scores, kinds, raw)
    _note_unread(read, names, columns)
    return read


def _columns(
    names: Sequence[str], first: Sequence[Mapping[str, Any]], raw: RawTable, stated: Statement
) -> _Columns:
    fields = Fields.find(
        names,
        raw.where,
        stated=stated.columns,
        prefix=stated.prefix("").removesuffix("="),
        first=first[0] if first else {},
    )
    predicted = column_of("predicted", names, raw.where, stated.columns)
    return _Columns(
        fields,
        predicted,
        find_column("predicted_words", names) if predicted else "",
        find_scores(names, first, raw.where, stated.columns),
    )


def _row(values: Mapping[str, Any], line: int, columns: _Columns, raw: RawTable) -> _Row:
    fields = columns.fields
    premise, hypothesis = cell(values, fields.premise), cell(values, fields.hypothesis)
    for role, name, text in (
        ("premise", fields.premise, premise),
        ("hypothesis", fields.hypothesis, hypothesis),
    ):
        fault = text_fault(role, text)
        if fault and fault != "NUL character":
            if not has_cell(values, name):
                fault = f"there is no field {name}"
            elif fault.endswith("is missing"):
                fault = f"{role} is not text"
            raise NliError(f"{raw.at(line)}: {fault}", f"it takes {WANTED}")
    gold = cell(values, fields.label)
    if label_key(gold) is False:
        raise NliError(
            f"{raw.at(line)}: label {gold!r:.40} is not known", "write a label word or number"
        )
    predicted = cell(values, columns.predicted) if columns.predicted else None
    scores, named = columns.scores.read(values, raw.at(line)) if columns.scores else (None, False)
    if label_key(predicted) is None:
        predicted = None
    if scores is None and predicted is None and label_key(gold) is not None:
        raise NliError(
            f"{raw.at(line)}: neither predicted_scores nor predicted_label",
            f"fields there: {', '.join(map(str, values))}; it takes {WANTED}",
        )
    return _Row(
        line,
        premise,
        hypothesis,
        gold,
        predicted,
        scores,
        named,
        identifier(cell(values, fields.source_id)),
        values.get("example_id"),
    )


def _drop(read: PredictionsFile, line: int) -> None:
    read.dropped[NO_GOLD] += 1
    if read.dropped[NO_GOLD] <= _SHOWN_LINES:
        read.dropped_lines.setdefault(NO_GOLD, []).append(line)


def _same_kind_of_rows(rows: Sequence[_Row], raw: RawTable) -> None:
    without = next((row.line for row in rows if row.scores is None), None)
    if without is not None and any(row.scores is not None for row in rows):
        raise NliError(
            f"{raw.where}: some rows have scores and {raw.unit} {without} has none",
            "give them in every row, or in none",
        )


def _take(
    read: PredictionsFile,
    rows: Sequence[_Row],
    gold: Callable[[Any], int | None],
    at: Callable[[int], str],
) -> None:
    for row in rows:
        label = gold(row.gold)
        if label is None:  # stated to be no label
            _drop(read, row.line)
            continue
        premise, hypothesis = _as_exported(row, label)
        read.examples.append(Example(premise, hypothesis, label, row.source_id))
        predicted, scores = read.order.apply(row.predicted, row.scores, row.named, at(row.line))
        read.predicted.append(predicted)
        read.scores.append(scores)
    if not read.examples:
        raise NliError("the file holds no labelled predictions", "all are stated to have none")


def _as_exported(row: _Row, gold: int) -> tuple[str, str]:
    """The texts without the apostrophe that our CSV puts before a formula.

    Only where the row's example_id, which our exports carry, proves that it was ours.
    """
    premise, hypothesis = row.premise, row.hypothesis
    if not row.example_id or not (premise.startswith("'") or hypothesis.startswith("'")):
        return premise, hypothesis
    one, two = (
        {text, text[1:]} if guarded(text[1:]) == text else {text} for text in (premise, hypothesis)
    )
    for first, second in product(one, two):
        keys = (example_key(first, second, gold, number) for number in range(_REPEATS))
        if row.example_id in keys:
            return first, second
    return premise, hypothesis


def _kind(
    read: PredictionsFile,
    rows: Sequence[_Row],
    columns: ScoreColumns,
    kinds: set[str],
    raw: RawTable,
) -> Kind:
    """What the file says of its scores, else probabilities where every row is one."""
    word = kinds.pop() if len(kinds) == 1 else columns.kind
    if word == "logits":
        return "logits"
    scores = [each for each in read.scores if each is not None]
    if all(probabilities(each, SUM_TOLERANCE) for each in scores):
        return "probabilities"
    if word != "probabilities":
        return "logits"
    for row in rows:
        if row.scores and not probabilities(row.scores, ROUNDED):
            raise NliError(
                f"{raw.at(row.line)}: {columns.columns[0]} is not a distribution: "
                f"{', '.join(f'{x:g}' for x in row.scores)}",
                "probabilities are not negative and sum to 1; call other scores logits",
            )
    read.scores = [_normalised(each) if each else None for each in read.scores]
    read.notes.append("probabilities that sum to 1 only within 0.02 were divided by their sum")
    return "probabilities"


def _normalised(scores: Scores) -> Scores:
    total = sum(scores)
    a, b, c = (score / total for score in scores)
    return a, b, c


def _note_unread(read: PredictionsFile, names: Sequence[str], columns: _Columns) -> None:
    unread = [
        name
        for name in names
        if name not in columns.read and "." not in name and looks_like_answers(name)
    ]
    if unread:
        read.notes.append(f"columns not read: {', '.join(unread[:8])}")
