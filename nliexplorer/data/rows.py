"""Raw rows to the columns of a split: field aliases, text checks, one reason for every drop."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nliexplorer.data.files import NOT_UTF8, RawTable, escaped
from nliexplorer.data.labels import (
    LabelKey,
    LabelMap,
    label_key,
    prove,
    witnessed,
)
from nliexplorer.errors import NliError

# Names of fields, in any case.
PREMISE = ("premise", "sentence1", "s1", "text1", "context")
HYPOTHESIS = ("hypothesis", "sentence2", "s2", "text2")
LABEL = ("label", "gold_label", "gold")
LABEL_WORDS = ("gold_label", "label_text", "label_name", "label_str")  # words beside numbers
SOURCE_ID = ("source_id", "pairid", "uid", "id", "idx", "pair_id")
#: Kept in `extra` when a row has them: what published sets are sliced by.
EXTRA = ("genre", "heuristic", "subcase", "template", "category", "round", "tag", "reason")
UNLABELLED = "no usable label"
_SHOWN_LINES = 5
_MAX_LABELS = 64


@dataclass
class Drops:
    """How many rows each reason cost, and the first few lines of each."""

    counts: dict[str, int] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, reason: str, line: int) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        lines = self.lines.setdefault(reason, [])
        if len(lines) < _SHOWN_LINES:
            lines.append(line)

    @property
    def malformed(self) -> int:
        """Dropped rows other than those that are merely unlabelled."""
        return sum(count for reason, count in self.counts.items() if reason != UNLABELLED)

    def describe(self) -> str:
        return describe_drops(self.counts, self.lines)


def describe_drops(counts: Mapping[str, int], lines: Mapping[str, Sequence[int]]) -> str:
    """`no usable label: 16 (line 3, 40, …)`, most frequent reason first."""
    parts = []
    for reason, count in sorted(counts.items(), key=lambda item: -item[1]):
        shown = lines.get(reason, ())
        numbers = ", ".join(map(str, shown)) + (", …" if count > len(shown) else "")
        parts.append(f"{reason}: {count} (line {numbers})" if shown else f"{reason}: {count}")
    return "; ".join(parts)


@dataclass(frozen=True)
class Fields:
    """Which of a table's fields is which; found once, from the first readable row."""

    premise: str
    hypothesis: str
    label: str
    source_id: str = ""
    words: str = ""

    @classmethod
    def find(cls, names: Sequence[str], where: str) -> Fields:
        """Raises NliError naming what was found and what is wanted."""
        plain = {name.strip().casefold(): name for name in reversed(names)}
        premise, hypothesis, label, source_id = (
            next((plain[alias] for alias in aliases if alias in plain), "")
            for aliases in (PREMISE, HYPOTHESIS, LABEL, SOURCE_ID)
        )
        if not (premise and hypothesis and label):
            shown = ", ".join(repr(name)[:40] for name in list(names)[:12]) or "none"
            raise NliError(
                f"{where}: found the fields {shown}"[:400],
                f"wanted: {' or '.join(PREMISE[:2])}, {' or '.join(HYPOTHESIS[:2])} "
                f"and {' or '.join(LABEL[:2])}",
            )
        others = (plain[name] for name in LABEL_WORDS if name in plain)
        words = next((name for name in others if name != label), "")
        return cls(premise, hypothesis, label, source_id, words)


def find_fields(raw: RawTable) -> Fields:
    """The fields of a table's first readable rows; raises NliError where there are none."""
    reasons = Drops()
    names: dict[str, None] = {}
    for number, (line, row) in enumerate(raw.rows()):
        if isinstance(row, dict):
            names.update(dict.fromkeys(map(str, row)))
        else:
            reasons.add(row, line)
        if number >= 1000 or (names and number >= 100):
            break
    if names:
        return Fields.find(list(names), raw.where)
    if reasons.counts:
        raise NliError(f"{raw.where}: no readable row ({reasons.describe()})", "check its format")
    raise NliError(f"{raw.where} holds no rows", "was the download or export cut off?")


def prove_labels(
    raw: RawTable,
    fields: Fields,
    declared: Mapping[LabelKey, int],
    stated: Mapping[LabelKey, int],
) -> LabelMap:
    """One pass over the labels alone; the guard in `labels` decides what they prove."""
    seen: dict[LabelKey, int] = {}
    beside: dict[tuple[LabelKey, LabelKey], int] = {}
    for line, row in raw.rows():
        if isinstance(row, str):
            continue
        key = label_key(row.get(fields.label))
        if key is None or key is False:
            continue
        if key not in seen:
            seen[key] = line
            if len(seen) > _MAX_LABELS:
                raise NliError(
                    f"{raw.where}: more than {_MAX_LABELS} different labels in {fields.label!r}",
                    "is that the label column? NLI has three classes",
                )
        if fields.words and isinstance(key, int):
            word = label_key(row.get(fields.words))
            if word is not None and word is not False:
                beside.setdefault((key, word), line)
    proved = witnessed(((*pair, line) for pair, line in beside.items()), raw.where)
    for key, index in proved.items():
        if declared.get(key, index) != index:
            raise NliError(
                f"{raw.where}: the words in {fields.words!r} contradict the order of its labels",
                "mend the file, or remove the column that is wrong",
            )
    return prove(seen, where=raw.where, declared={**declared, **proved}, stated=stated)


def clean_rows(
    raw: RawTable, fields: Fields, labels: LabelMap, drops: Drops
) -> Iterator[dict[str, Any]]:
    """Rows of the split's columns; what is dropped is counted in `drops`."""
    for line, row in raw.rows():
        clean = row if isinstance(row, str) else _clean(row, fields, labels)
        if isinstance(clean, str):
            drops.add(clean, line)
        else:
            yield clean


def _clean(row: Mapping[str, Any], fields: Fields, labels: LabelMap) -> dict[str, Any] | str:
    premise, hypothesis = row.get(fields.premise), row.get(fields.hypothesis)
    for name, text in (("premise", premise), ("hypothesis", hypothesis)):
        if fault := _text_fault(name, text):
            return fault
    raw_label = row.get(fields.label)
    if fields.label not in row:
        return "label is missing"
    label = labels(raw_label)
    if label is None:
        return UNLABELLED if label_key(raw_label) is None else "label is not a word or number"
    assert isinstance(premise, str)
    assert isinstance(hypothesis, str)
    if not premise.strip() and not hypothesis.strip():
        return "both sentences are empty"
    clean: dict[str, Any] = {
        "premise": premise,
        "hypothesis": hypothesis,
        "label": label,
        "source_id": _identifier(row.get(fields.source_id)),
        "annotator_labels": _annotators(row, labels),
    }
    try:
        clean["extra"] = _extra(row)
    except (ValueError, TypeError, RecursionError):
        return "extra is not JSON"
    for name, sentence in _RATIONALES.items():
        words = _word_indices(row.get(name), row[getattr(fields, sentence)])
        if words is None:
            return f"{name} is not a list of word indices"
        clean[name] = words
    return clean


_RATIONALES = {
    "premise_rationale": "premise",
    "hypothesis_rationale": "hypothesis",
    "artefact": "hypothesis",
}


def _text_fault(name: str, text: Any) -> str:
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


def _identifier(value: Any) -> str:
    text = str(value) if isinstance(value, str | int) else ""
    return "" if _text_fault("id", text) else text


def _annotators(row: Mapping[str, Any], labels: LabelMap) -> list[int]:
    """SNLI's five labels: a list, or columns label1 … label5; empty ones are left out."""
    given = row.get("annotator_labels")
    if isinstance(given, str):  # a list in a CSV cell
        given = _json_or_none(given)
    if not isinstance(given, list):
        given = [row.get(f"label{number}") for number in range(1, 6)]
    found = (labels(value) for value in given)
    return [label for label in found if label is not None]


def _word_indices(value: Any, sentence: str) -> list[int] | None:
    if isinstance(value, str) and value:
        value = _json_or_none(value)
        if value is None:
            return None
    if not value and value in (None, "", []):
        return []
    count = len(sentence.split())
    if isinstance(value, list) and all(type(i) is int and 0 <= i < count for i in value):
        return value
    return None


def _extra(row: Mapping[str, Any]) -> str:
    given = row.get("extra")
    if isinstance(given, str):
        given = _json_or_none(given)
    extra = dict(given) if isinstance(given, dict) else {}
    for name in EXTRA:
        value = row.get(name)
        if isinstance(value, str | int) and value != "":
            extra.setdefault(name, value)
    return json.dumps(extra, sort_keys=True, allow_nan=False) if extra else ""


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
