"""The roles of a predictions file's columns, and its rows one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nliexplorer.data.annotations import ANNOTATION_COLUMNS, annotated
from nliexplorer.data.answers import AnswerReader, answer_key
from nliexplorer.data.fields import Fields, Statement, column_of
from nliexplorer.data.labels import label_key, label_word
from nliexplorer.data.metadata import metadata
from nliexplorer.data.rows import identifier, text_fault
from nliexplorer.data.tabular import RawTable
from nliexplorer.data.tabular.columns import cell, find_column, has_cell, looks_like_answers
from nliexplorer.errors import NliError
from nliexplorer.records import CONTRADICTION, GOLD_NAMES, NEUTRAL, NON_ENTAILMENT, Window
from nliexplorer.workflow.export import unguarded
from nliexplorer.workflow.score_columns import (
    ScoreColumns,
    Scores,
    find_scores,
    is_score_column,
)

TAKES = "premise, hypothesis, label, and predicted_scores or predicted_label"
_OWN = (
    "example_id",
    "length",
    "confidence",
    "scores",
    "truncated",
    "window",
    "windows",
)  # columns that our exports add
_COUNTED = 80  # characters by which unread answers count as the same
_SHOWN = 5


@dataclass(slots=True)
class PredictionRow:
    """A row as in the file; `scores` by position, or by label name where `named`.

    `predicted`: a label word or number, None where there is none or the text was not read;
    `answer`: the text that it was read from, where that is more than a label.
    """

    line: int
    premise: str
    hypothesis: str
    gold: Any
    predicted: Any
    scores: Scores | None
    named: bool
    source_id: str
    example_id: Any
    answer: str = ""
    explanation: str = ""
    truncated: bool | None = None
    window: Window | None = None
    annotations: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PredictionColumns:
    """The columns of one predictions file; "" for what it lacks."""

    fields: Fields
    predicted: str
    predicted_words: str
    answer: str
    explanation: str
    scores: ScoreColumns | None
    names: tuple[str, ...] = ()

    @classmethod
    def find(
        cls,
        names: Sequence[str],
        first: Sequence[Mapping[str, Any]],
        raw: RawTable,
        stated: Statement,
        *,
        unlabelled: bool = False,
    ) -> PredictionColumns:
        """By statement or usual name; there need be no label column where there are annotators, or
        `unlabelled`.
        """
        fields = Fields.find(
            names,
            raw.where,
            stated=stated.columns,
            prefix=stated.prefix("").removesuffix("="),
            first=first[0] if first else {},
            unlabelled=unlabelled or annotated(names),
        )
        predicted = column_of("predicted", names, raw.where, stated.columns)
        return cls(
            fields,
            predicted,
            find_column("predicted_words", names) if predicted else "",
            column_of("answer", names, raw.where, stated.columns),
            column_of("explanation", names, raw.where, stated.columns),
            find_scores(names, first, raw.where, stated.columns),
            tuple(names),
        )

    @property
    def asked(self) -> str:
        """The column that the model's answer is read from."""
        return self.predicted or self.answer

    @property
    def gold_by_majority(self) -> bool:
        """Whether the gold labels are what most annotators said, for want of a label column."""
        return not self.fields.label and annotated(self.names)

    @property
    def exported(self) -> bool:
        """Whether the file is an export of this program."""
        return "example_id" in self.names and "predicted_label" in self.names

    @cached_property
    def used(self) -> frozenset[str]:
        """Columns that are read as what they are, and those that our exports add."""
        f = self.fields
        columns = {f.premise, f.hypothesis, f.label, f.words, "scores", "source_id"}
        columns |= {self.predicted, self.predicted_words, self.answer, self.explanation}
        columns |= {*(self.scores.columns if self.scores else ()), *ANNOTATION_COLUMNS, "extra"}
        if self.exported:
            columns |= {*_OWN, *filter(is_score_column, self.names)}
        return frozenset(columns)

    def note(self) -> str:
        """Names the columns that look like scores or answers and are not read as such."""
        unread = [
            name
            for name in self.names
            if name not in self.used and "." not in name and looks_like_answers(name)
        ]
        if not unread:
            return ""
        return f"columns not read: {', '.join(unread[:8])} (kept as meta.{unread[0]} and the like)"


@dataclass
class RowReader:
    """Reads the rows of one table and counts how their free-text answers were read."""

    raw: RawTable
    columns: PredictionColumns
    answers: AnswerReader = field(default_factory=AnswerReader)
    unread: Counter[str] = field(default_factory=Counter)  # texts that gave no label
    texts: int = 0  # cells with an answer, read or not

    def row(self, values: Mapping[str, Any], line: int) -> PredictionRow:
        """Raises NliError where the row cannot be a prediction."""
        columns, fields, raw = self.columns, self.columns.fields, self.raw
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
                raise NliError(f"{raw.at(line)}: {fault}", f"it takes {TAKES}")
        gold = cell(values, fields.label) if fields.label else None
        if label_key(gold) is False:
            raise NliError(
                f"{raw.at(line)}: label {gold!r:.40} is not known", "write a label word or number"
            )
        scores, named = (
            columns.scores.read(values, raw.at(line)) if columns.scores else (None, False)
        )
        predicted, answer = self._answer(values, line, scored=scores is not None)
        explanation = cell(values, columns.explanation) if columns.explanation else None
        texts = answer, _text(explanation)
        extra = metadata(values, columns.used)
        truncated = window = None
        if columns.exported:
            truncated, window = _truth(values.get("truncated")), _window(values)
            texts = unguarded(texts[0]), unguarded(texts[1])
            extra = {k: unguarded(v) if isinstance(v, str) else v for k, v in extra.items()}
        return PredictionRow(
            line,
            premise,
            hypothesis,
            gold,
            predicted,
            scores,
            named,
            identifier(cell(values, fields.source_id)),
            values.get("example_id"),
            *texts,
            truncated,
            window,
            {n: values[n] for n in ANNOTATION_COLUMNS.intersection(values)} or None,
            extra,
        )

    def _answer(self, values: Mapping[str, Any], line: int, *, scored: bool) -> tuple[Any, str]:
        """(a label word or number, or None; the text it was read from where that is more)."""
        columns, stated = self.columns, self.answers.stated
        value = cell(values, columns.predicted) if columns.predicted else None
        raw = cell(values, columns.answer) if columns.answer else None
        shown = _text(raw)
        if _is_empty(value):
            value = raw
        if _is_empty(value):
            if not scored:
                self._refuse_missing(values, line)
            return None, shown
        key = label_key(value)
        text = _text(key if isinstance(key, str) else value)
        if type(key) is int and (not stated or answer_key(text) not in stated):
            return key, shown
        label = label_word(key) if isinstance(key, str) and not stated else None
        if label is None:
            label = self.answers(text)
            shown = shown or ("" if text.casefold() in GOLD_NAMES else text)
        if not scored and key is not None:
            self.texts += 1
            if label is None:
                self.unread[" ".join(text.split())[:_COUNTED]] += 1
        return None if label is None else GOLD_NAMES[label], shown

    def _refuse_missing(self, values: Mapping[str, Any], line: int) -> None:
        """An empty cell is no answer; a row without the cell is no prediction."""
        columns = self.columns
        cells = [columns.asked, *(columns.scores.columns if columns.scores else ())]
        if not any(name and has_cell(values, name) for name in cells):
            raise NliError(
                f"{self.raw.at(line)}: neither predicted_scores nor predicted_label",
                f"fields there: {', '.join(map(str, values))}; it takes {TAKES}",
            )

    def refuse_unread(self) -> None:
        """Raises NliError where more than half of the answers could not be read."""
        unread = sum(self.unread.values())
        if 2 * unread <= self.texts:
            return
        common = [text for text, _ in self.unread.most_common(_SHOWN)]
        shown = ", ".join(f"{text!r:.60}" for text in common)
        words = [answer_key(text) for text in common]
        short = [word for word in words if word and len(word) <= 30] or ["yes", "no", "maybe"]
        names = ("entailment", "contradiction", "neutral")
        example = ",".join(f"{word}={name}" for word, name in zip(short, names, strict=False))
        raise NliError(
            f"{self.raw.where}: {unread:,} of {self.texts:,} answers are not read as a label; "
            f"the commonest: {shown}",
            f"state what they mean, such as: --answers '{example}'",
            "answers",
        )


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value != value


def _text(value: Any) -> str:
    """A cell as the text that a model wrote; a list of one, as a harness has, unpacked."""
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bool):
        return str(value).lower()
    return "" if _is_empty(value) else str(value)


def _truth(value: Any) -> bool | None:
    """A cell of an export, typed or as text."""
    return {"true": True, "false": False}.get(str(value).lower())


def _window(values: Mapping[str, Any]) -> Window | None:
    """Which window of the premise decided, as our exports say it."""
    number, count = _whole(values.get("window")), _whole(values.get("windows"))
    return Window(number, count) if number is not None else None


def _whole(value: Any) -> int | None:
    """A number from 1; also one that a table program has made a float."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() and 1 <= number < 1e9 else None


def take_back_open_answers(rows: Sequence[PredictionRow]) -> int:
    """Makes "not entailment" no answer where the model tells neutral from contradiction elsewhere.

    Returns how many. Not for gold labels of two classes, where it is a whole answer.
    """
    labels = [label_word(r.predicted) if isinstance(r.predicted, str) else None for r in rows]
    if not {NEUTRAL, CONTRADICTION} & set(labels):
        return 0
    for row, label in zip(rows, labels, strict=True):
        if label == NON_ENTAILMENT:
            row.answer, row.predicted = row.answer or str(row.predicted), None
    return labels.count(NON_ENTAILMENT)
