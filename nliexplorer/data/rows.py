"""Raw rows to the columns of a split: text checks, labels, and one reason for every drop."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nliexplorer.annotators import TIE
from nliexplorer.data.annotations import (
    ANNOTATION_COLUMNS,
    majority_label,
    read_annotations,
    single_labels,
)
from nliexplorer.data.drops import TIED, UNLABELLED, Drops
from nliexplorer.data.fields import Fields
from nliexplorer.data.labels import (
    NO_LABEL,
    LabelKey,
    LabelMap,
    ambiguous_key,
    ask_about_marker,
    label_key,
    prove,
    statement,
    witnessed,
)
from nliexplorer.data.metadata import metadata
from nliexplorer.data.tabular import RawTable
from nliexplorer.data.tabular.cells import parse_container
from nliexplorer.data.tabular.columns import cell, has_cell, looks_like_answers
from nliexplorer.data.tabular.encoding import escaped
from nliexplorer.data.tabular.table import NOT_UTF8
from nliexplorer.errors import NliError

_MAX_LABELS = 64
#: What to tell where there is no label column.
MAJORITY = "no label column: the gold label is what most annotators said; a tie leaves none"
_FEW = 50  # below this many rows it is no sign of two labels that a third is absent


@dataclass
class LabelEvidence:
    """What one pass over a label column shows, and the mapping it proves."""

    where: str
    column: str
    unit: str = "line"
    prefix: str = "?labels="
    seen: dict[LabelKey, int] = field(default_factory=dict)  # key -> line of its first row
    counts: dict[LabelKey, int] = field(default_factory=dict)
    markers: dict[LabelKey, int] = field(default_factory=dict)
    beside: dict[tuple[LabelKey, LabelKey], int] = field(default_factory=dict)
    rows: int = 0

    def add(self, line: int, value: Any, word: Any = None) -> None:
        """One cell, and the cell of the column with words beside it."""
        self.rows += 1
        key = label_key(value)
        if key is None:
            marker = ambiguous_key(value)
            if marker is not None:
                self.markers[marker] = self.markers.get(marker, 0) + 1
            return
        if key is False:
            return
        if key not in self.seen:
            self.seen[key] = line
            if len(self.seen) > _MAX_LABELS:
                raise NliError(
                    f"{self.where}: more than {_MAX_LABELS} different labels in {self.column!r}",
                    "is that the label column? NLI has three classes",
                )
        self.counts[key] = self.counts.get(key, 0) + 1
        if word is not None and isinstance(key, int):
            word = label_key(word)
            if word is not None and word is not False:
                self.beside.setdefault((key, word), line)

    def add_annotations(self, line: int, row: Mapping[str, Any]) -> None:
        """The cells of a row's annotators, where no label column stands beside them."""
        for value in single_labels(row):
            self.add(line, value)

    @staticmethod
    def stated_class(value: Any, stated: Mapping[LabelKey, int]) -> bool:
        """Whether a cell that usually means "no label" is stated to be a class."""
        marker = ambiguous_key(value)
        return marker is not None and stated.get(marker, NO_LABEL) != NO_LABEL

    def prove(
        self,
        declared: Mapping[LabelKey, int],
        stated: Mapping[LabelKey, int],
        three_classes: bool = False,
    ) -> LabelMap:
        """The mapping. Raises NliError where it is open, contradicted, or `none` may be a class.

        `three_classes`: something beside the labels shows that their numbers are 0, 1 and 2, of
        which a small file may lack one.
        """
        pairs = ((*pair, line) for pair, line in self.beside.items())
        proved = witnessed(pairs, self.where, self.unit)
        if any(declared.get(key, index) != index for key, index in proved.items()):
            raise NliError(
                f"{self.where}: the words beside {self.column!r} contradict its labels' order",
                "fix the file, or remove the column that is wrong",
            )
        open_markers = {key: n for key, n in self.markers.items() if key not in stated}
        ask_about_marker(open_markers, self.seen, self.rows, self.where, self.prefix)
        seen = self.seen
        if three_classes and 2 in seen and all(key in (0, 1, 2) for key in seen):
            seen = {**dict.fromkeys((0, 1, 2), 0), **seen}
        return prove(
            seen,
            where=self.where,
            unit=self.unit,
            prefix=self.prefix,
            declared={**declared, **proved},
            stated=stated,
        )

    def notes(self, labels: LabelMap) -> list[str]:
        """Notes on the labels: a convention, or two classes that may be two labels."""
        notes = [labels.note(self.prefix)] if labels.basis == "convention" else []
        present = {labels(key) for key in self.seen}
        if present == {0, 1} and sum(self.counts.values()) >= _FEW:
            notes.append(
                "only entailment and neutral occur; where neutral means non-entailment, as in "
                f"SciTail: {statement(self.prefix, ['neutral:non-entailment'])}"
            )
        return notes


def read_labels(
    raw: RawTable,
    fields: Fields,
    declared: Mapping[LabelKey, int],
    stated: Mapping[LabelKey, int],
    prefix: str,
) -> tuple[LabelMap, list[str]]:
    """One pass over the labels alone: what they mean, and the notes on them."""
    evidence = LabelEvidence(raw.where, fields.label, raw.unit, prefix)
    for line, row in raw.rows():
        if isinstance(row, str):
            continue
        if not fields.label:
            evidence.add_annotations(line, row)
            continue
        word = cell(row, fields.words) if fields.words else None
        evidence.add(line, cell(row, fields.label), word)
    labels = evidence.prove(declared, stated)
    notes = evidence.notes(labels)
    return labels, notes if fields.label else [MAJORITY, *notes]


def unread_note(names: Sequence[str], fields: Fields) -> str:
    """Names the columns that look like scores, labels or answers and are not read; "" if none."""
    read = used_columns(fields)
    unread = [n for n in names if n not in read and "." not in n and looks_like_answers(n)]
    if not unread:
        return ""
    return f"columns not read: {', '.join(unread[:8])} (kept as meta.{unread[0]} and the like)"


def used_columns(fields: Fields) -> frozenset[str]:
    """The columns that are read as what they are; the rest is kept as it is (`data.metadata`)."""
    own = (fields.premise, fields.hypothesis, fields.label, fields.words, "source_id", "extra")
    return ANNOTATION_COLUMNS | {*own, *_RATIONALES}


def clean_rows(
    raw: RawTable, fields: Fields, labels: LabelMap, drops: Drops
) -> Iterator[dict[str, Any]]:
    """Rows of the split's columns; what is dropped is counted in `drops`."""
    nested = any("." in name for name in (fields.premise, fields.hypothesis, fields.label))
    get: Callable[[Any, str], Any] = cell if nested else dict.get
    used = used_columns(fields)
    for line, row in raw.rows():
        clean = row if isinstance(row, str) else _clean(row, fields, labels, get, used)
        if isinstance(clean, str):
            drops.add(clean, line)
        else:
            yield clean


def _clean(
    row: Mapping[str, Any],
    fields: Fields,
    labels: LabelMap,
    get: Callable[[Any, str], Any],
    used: frozenset[str],
) -> dict[str, Any] | str:
    premise, hypothesis = get(row, fields.premise), get(row, fields.hypothesis)
    for name, text in (("premise", premise), ("hypothesis", hypothesis)):
        if fault := text_fault(name, text):
            return fault
    try:
        votes, annotations = read_annotations(row, labels)
        extra = _extra(row, used, annotations)
    except (ValueError, TypeError, RecursionError):
        return "extra is not JSON"
    label = _gold(row, fields, labels, get) if fields.label else majority_label(votes, annotations)
    if isinstance(label, str):
        return label
    if label is None or label == TIE:
        return UNLABELLED if label is None else TIED
    if not premise.strip() and not hypothesis.strip():
        return "both sentences are empty"
    clean: dict[str, Any] = {
        "premise": premise,
        "hypothesis": hypothesis,
        "label": label,
        "source_id": identifier(cell(row, fields.source_id)),
        "annotator_labels": votes,
        "extra": extra,
    }
    for name, sentence in _RATIONALES.items():
        words = _word_indices(row.get(name), premise if sentence == "premise" else hypothesis)
        if words is None:
            return f"{name} is not a list of word indices"
        clean[name] = words
    return clean


def _gold(
    row: Mapping[str, Any], fields: Fields, labels: LabelMap, get: Callable[[Any, str], Any]
) -> int | str | None:
    """The label, None where the row has none, or what is wrong with its cell."""
    value = get(row, fields.label)
    if value is None and not has_cell(row, fields.label):
        return "label is missing"
    label = labels(value)
    return "label is not a word or number" if label is None and label_key(value) is False else label


_RATIONALES = {
    "premise_rationale": "premise",
    "hypothesis_rationale": "hypothesis",
    "artefact": "hypothesis",
}


def text_fault(name: str, text: Any) -> str:
    """What is wrong with a cell that should hold a sentence; "" if nothing is."""
    if text is None:
        return f"{name} is missing"
    if not isinstance(text, str):
        return f"{name} is not text"
    if "\0" in text:
        return "NUL character"
    if not text.isascii() and not _encodable(text):
        return NOT_UTF8 if escaped(text) else "lone surrogate"
    return ""


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def identifier(value: Any) -> str:
    """A source's own id of a pair as text; "" where it has none that can be kept."""
    text = str(value) if isinstance(value, str | int) else ""
    return "" if text_fault("id", text) else text


def _word_indices(value: Any, sentence: str) -> list[int] | None:
    if not value and value in (None, "", []):
        return []
    if isinstance(value, str):
        value = parse_container(value)
    count = len(sentence.split())
    if isinstance(value, list) and all(type(i) is int and 0 <= i < count for i in value):
        return value
    return None


def _extra(row: Mapping[str, Any], used: frozenset[str], annotations: Mapping[str, Any]) -> str:
    stated = parse_container(row.get("extra"))
    extra = dict(stated) if isinstance(stated, dict) else {}
    extra = {**metadata(row, used), **metadata(annotations, ()), **extra}
    return json.dumps(extra, allow_nan=False) if extra else ""
