"""Somebody else's predictions, read and checked row by row, in any table `data.tabular` reads.

Numbers mean nothing by themselves: the label column goes through the guard of `data.labels`, and
the model's numbers and score positions are matched with it; see `prediction_order`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

from nliexplorer.annotators import TIE
from nliexplorer.data.annotations import majority_label, read_annotations
from nliexplorer.data.answers import AnswerReader, parse_answers
from nliexplorer.data.drops import TIED
from nliexplorer.data.fields import sample_rows
from nliexplorer.data.labels import Basis, LabelMap, label_key, parse_labels
from nliexplorer.data.metadata import metadata
from nliexplorer.data.rows import MAJORITY, LabelEvidence
from nliexplorer.data.source_spec import parse_spec
from nliexplorer.data.tabular import FORMATS, RawTable, file_format, open_table
from nliexplorer.data.tabular.columns import cell
from nliexplorer.data.tabular.compression import STDIN
from nliexplorer.errors import NliError, documented
from nliexplorer.records import NON_ENTAILMENT, UNKNOWN, Example, Window, example_key
from nliexplorer.workflow.export import guarded
from nliexplorer.workflow.prediction_order import Order, prediction_order
from nliexplorer.workflow.prediction_rows import (
    TAKES,
    PredictionColumns,
    PredictionRow,
    RowReader,
    take_back_open_answers,
)
from nliexplorer.workflow.score_columns import (
    ROUNDED,
    SUM_TOLERANCE,
    ScoreColumns,
    Scores,
    probabilities,
)

Kind = Literal["logits", "probabilities", "labels alone"]
#: (answer, explanation, truncated, window), as `records.Prediction` ends.
Details = tuple[str, str, bool | None, Window | None]
NO_GOLD = "no gold label"
_REPEATS = 3  # how often a pair may stand in a split and still be known by its id
_SHOWN_LINES = 10


@dataclass(slots=True)
class PredictionsFile:
    """n checked rows. `scores` and `predicted` [n], scores in the order of LABELS; None where
    labels stand alone, or where there is no answer. `details` [n]: a model's answer as text and its
    explanation, each "" where there is none; of our exports also whether the pair was truncated and
    the window that decided. `gold_basis` and `order`: the basis for the meaning of the numbers.
    """

    examples: list[Example] = field(default_factory=list)
    scores: list[Scores | None] = field(default_factory=list)
    predicted: list[int | None] = field(default_factory=list)
    details: list[Details] = field(default_factory=list)
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

    @property
    def answered(self) -> list[int]:
        """The predicted classes [n], UNKNOWN where there is no answer."""
        return [UNKNOWN if each is None else each for each in self.predicted]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user states of a predictions file: options of `import`, under their names.

    `labels` says what the numbers of the label column mean, `predicted_labels` those of the model,
    `answers` the words of a chat model (`yes=entailment,no=contradiction`; see `data.answers`).
    `unlabelled` keeps rows without a gold label.
    """

    format: str = ""
    labels: str = ""
    predicted_labels: str = ""
    answers: str = ""
    answer_column: str = ""
    explanation_column: str = ""
    unlabelled: bool = False

    def words(self) -> list[str]:
        """As the command line takes them."""
        words = []
        for each in fields(self):
            flag, value = f"--{each.name.replace('_', '-')}", getattr(self, each.name)
            if value:
                words += [flag] if value is True else [flag, value]
        return words


@documented("files")
def read_predictions(source: str | Path, options: ReadOptions | None = None) -> PredictionsFile:
    """The whole file, checked; NliError names the line. Rows without a gold label are counted.

    `source` may carry options such as `?premise=COLUMN` (see `data.source_spec`).
    """
    options = options or ReadOptions()
    spec = parse_spec(str(source), ())
    assert spec.path is not None
    unlabelled, format_ = options.unlabelled, options.format or None
    if not format_ and spec.path != STDIN and spec.path.is_file() and not file_format(spec.path):
        raise NliError(
            f"{spec.path}: not a format this program reads by its name",
            f"name one with --format: {', '.join(sorted({*FORMATS.values()}))}",
        )
    raw = open_table(spec.path, format_, spec.table_options)
    stated = {**spec.stated.labels, **(parse_labels(options.labels) if options.labels else {})}
    columns_of = {"answer": options.answer_column, "explanation": options.explanation_column}
    roles = {**spec.stated.columns, **{role: name for role, name in columns_of.items() if name}}
    names, first = sample_rows(raw)
    columns = PredictionColumns.find(
        names, first, raw, replace(spec.stated, columns=roles), unlabelled=unlabelled
    )
    by_majority = columns.gold_by_majority
    gold = LabelEvidence(raw.where, columns.fields.label, raw.unit, "--labels ")
    own = LabelEvidence(raw.where, columns.asked, raw.unit, "--predicted-labels ")
    read = PredictionsFile(notes=list(raw.notes))
    reader = RowReader(
        raw, columns, AnswerReader(parse_answers(options.answers) if options.answers else {})
    )
    rows: list[PredictionRow] = []
    kinds: set[str] = set()
    for line, values in raw.rows():
        if isinstance(values, str):
            raise NliError(f"{raw.at(line)}: {values}", f"it takes {TAKES}")
        row = reader.row(values, line)
        if by_majority:
            gold.add_annotations(line, values)
        else:
            gold.add(line, row.gold, cell(values, columns.fields.words))
            if label_key(row.gold) is None and not gold.stated_class(row.gold, stated):
                if not unlabelled:
                    _drop(read, line)
                    continue
                row.gold = None
        own.add(line, row.predicted, cell(values, columns.predicted_words))
        if columns.scores and columns.scores.column and isinstance(values.get("scores"), str):
            kinds.add(values["scores"])
        rows.append(row)
    if not rows:
        raise _no_labelled_rows(raw.where, read)
    reader.refuse_unread()
    _same_kind_of_rows(rows, raw)
    if not options.predicted_labels:
        _take_back_numbers(rows, own, read)
    positions = any(row.scores is not None and not row.named for row in rows)
    gold_map = gold.prove({}, stated, three_classes=positions or 0 in own.seen)
    read.gold_basis = gold_map.basis
    _take_back_open_answers(rows, gold_map, read)
    read.order = prediction_order(
        own,
        gold_map,
        options.predicted_labels,
        [(r.line, r.predicted, r.scores, r.named) for r in rows],
    )
    read.notes += [MAJORITY] if by_majority else []
    read.notes += [*gold.notes(gold_map), *read.order.notes]
    _take(read, rows, gold_map, raw.at, unlabelled=unlabelled, by_majority=by_majority)
    if any(scores is not None for scores in read.scores):
        assert columns.scores is not None
        read.kind = _kind(read, rows, columns.scores, kinds, raw)
    elif all(label is None for label in read.predicted):
        raise NliError(f"{raw.where}: no row has an answer", f"it takes {TAKES}")
    read.notes += filter(None, [_unread_note(read, reader.unread), columns.note()])
    return read


def _no_labelled_rows(where: str, read: PredictionsFile) -> NliError:
    if not read.dropped:
        return NliError(f"{where} holds no labelled predictions", f"it takes {TAKES}")
    left_out = ", ".join(f"{count:,} with {reason}" for reason, count in read.dropped.items())
    return NliError(
        f"{where} holds no labelled predictions: {left_out}",
        "to browse predictions without gold labels: --unlabelled",
    )


def _take_back_numbers(
    rows: Sequence[PredictionRow], own: LabelEvidence, read: PredictionsFile
) -> None:
    """Treats bare numbers among words as no answer, since nothing defines their meaning."""
    numbers = [key for key in own.seen if isinstance(key, int)]
    if not numbers or own.beside or not any(isinstance(row.predicted, str) for row in rows):
        return
    count = 0
    for row in rows:
        if row.scores is None and isinstance(label_key(row.predicted), int):
            row.answer, row.predicted = row.answer or str(row.predicted), None
            count += 1
    if count:
        for key in numbers:
            del own.seen[key]
        read.notes.append(
            f"{count:,} answers are bare numbers among words, kept as no answer; to state what "
            "they mean: --predicted-labels"
        )


def _take_back_open_answers(
    rows: Sequence[PredictionRow], gold: LabelMap, read: PredictionsFile
) -> None:
    if any(gold(row.gold) == NON_ENTAILMENT for row in rows):
        return
    if count := take_back_open_answers(rows):
        read.notes.append(
            f"{count:,} answers say that it is not entailment, where others tell neutral from "
            "contradiction: kept as no answer"
        )


def _unread_note(read: PredictionsFile, unread: Counter[str]) -> str:
    """How many rows have no answer, and what the commonest unread texts are."""
    count = sum(label is None for label in read.predicted)
    if not count:
        return ""
    shown = ", ".join(f"{text!r:.60} ({n:,})" for text, n in unread.most_common(3))
    note = f"{count:,} of {len(read.predicted):,} rows have no answer that could be read"
    return f"{note}: {shown}" if shown else note


def _drop(read: PredictionsFile, line: int, reason: str = NO_GOLD) -> None:
    read.dropped[reason] += 1
    if read.dropped[reason] <= _SHOWN_LINES:
        read.dropped_lines.setdefault(reason, []).append(line)


def _same_kind_of_rows(rows: Sequence[PredictionRow], raw: RawTable) -> None:
    without = next((r.line for r in rows if r.scores is None and r.predicted is not None), None)
    if without is not None and any(row.scores is not None for row in rows):
        raise NliError(
            f"{raw.where}: some rows have scores and {raw.unit} {without} has none",
            "give them in every row, or in none",
        )
    widths = {len(row.scores): row.line for row in reversed(rows) if row.scores}
    if len(widths) > 1:
        line = max(widths.values())
        raise NliError(
            f"{raw.at(line)}: predicted_scores is not three numbers, or not two, as in the rows "
            "before it",
            "write the scores of the same classes in every row",
        )


def _take(
    read: PredictionsFile,
    rows: Sequence[PredictionRow],
    gold: Callable[[Any], int | None],
    at: Callable[[int], str],
    *,
    unlabelled: bool,
    by_majority: bool,
) -> None:
    for row in rows:
        votes, annotations = read_annotations(row.annotations or {}, gold)
        label = majority_label(votes, annotations) if by_majority else gold(row.gold)
        if label in (None, TIE) and not unlabelled:  # stated to be no label, or a tie
            _drop(read, row.line, NO_GOLD if label is None else TIED)
            continue
        label = None if label == TIE else label
        premise, hypothesis = _as_exported(row, label)
        extra = {**row.extra, **metadata(annotations, ())} if annotations else row.extra
        read.examples.append(
            Example(premise, hypothesis, label, row.source_id, tuple(votes), extra=extra)
        )
        read.details.append((row.answer, row.explanation, row.truncated, row.window))
        predicted, scores = read.order.apply(row.predicted, row.scores, row.named, at(row.line))
        read.predicted.append(predicted)
        read.scores.append(scores)
    if not read.examples:
        raise NliError("the file holds no labelled predictions", "all are stated to have none")


def _as_exported(row: PredictionRow, gold: int | None) -> tuple[str, str]:
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
    rows: Sequence[PredictionRow],
    columns: ScoreColumns,
    kinds: set[str],
    raw: RawTable,
) -> Kind:
    """What the file calls its scores, else probabilities where every row is a distribution."""
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
    return tuple(score / total for score in scores)
