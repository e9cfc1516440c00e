"""Somebody else's predictions, read and checked row by row: JSONL, CSV, TSV, Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

from nliexplorer.data.labels import label_word
from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES, LABELS, Example, example_key
from nliexplorer.workflow.export import guarded

Kind = Literal["logits", "probabilities", "labels alone"]
Scores = tuple[float, float, float]
FORMATS = {".jsonl": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}
WANTED = "premise, hypothesis, label, and predicted_scores or predicted_label"

_NAMES = {
    "premise": ("premise", "sentence1"),
    "hypothesis": ("hypothesis", "sentence2"),
    "label": ("label", "gold_label"),
}
_UNLABELLED = (None, "", "-", -1, "-1")
#: One column a class, as our own CSV and Parquet exports have them.
_COLUMNS = tuple(tuple(f"{stem}_{label}" for label in LABELS) for stem in ("logit", "p"))
_SUM_TOLERANCE = 1e-3
_REPEATS = 3  # how often a pair may stand in a split and still be known by its id
_MAX_FIELD = 64 * 2**20


@dataclass(slots=True)
class PredictionsFile:
    """n checked rows. `scores` and `predicted` [n]; scores are None where labels stand alone."""

    examples: list[Example] = field(default_factory=list)
    scores: list[Scores | None] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    kind: Kind = "labels alone"
    dropped: Counter[str] = field(default_factory=Counter)
    dropped_lines: dict[str, list[int]] = field(default_factory=dict)  # the first few


def read_predictions(path: Path, format_: str | None = None) -> PredictionsFile:
    """The whole file, checked; NliError names the line. Rows without a gold label are counted."""
    kind = format_ or FORMATS.get(path.suffix.lower())
    if kind is None or kind not in FORMATS.values():
        raise NliError(
            f"{path.name}: unknown format {kind or path.suffix or 'without a suffix'}",
            f"name one with --format: {', '.join(sorted(set(FORMATS.values())))}",
        )
    read = PredictionsFile()
    said: set[str] = set()
    for line, row in _rows(path, kind):
        where = f"{path.name}, {'row' if kind == 'parquet' else 'line'} {line}"
        said |= _take(read, row, line, where)
    if not read.examples:
        hint = f"rows left out: {dict(read.dropped)}" if read.dropped else f"it takes {WANTED}"
        raise NliError(f"{path.name} holds no labelled predictions", hint)
    if any(scores is None for scores in read.scores):
        if any(scores is not None for scores in read.scores):
            line = 1 + next(i for i, scores in enumerate(read.scores) if scores is None)
            raise NliError(
                f"{path.name}: some rows have predicted_scores and pair {line} has none",
                "give them in every row, or in none",
            )
    else:
        read.kind = _kind(read, said)
    return read


def _kind(read: PredictionsFile, said: set[str]) -> Kind:
    """What the file says of itself, else probabilities where every row is one."""
    if len(said) == 1:
        word = said.pop()
        return "logits" if word == "logits" else "probabilities"
    probabilities = all(
        scores is not None and min(scores) >= 0 and abs(sum(scores) - 1) <= _SUM_TOLERANCE
        for scores in read.scores
    )
    return "probabilities" if probabilities else "logits"


def _take(read: PredictionsFile, row: Mapping[str, Any], line: int, where: str) -> set[str]:
    """Adds one row; returns what it says of its scores, if anything."""
    premise, hypothesis = (_text(row, name, where) for name in ("premise", "hypothesis"))
    raw = _field(row, "label", where)
    if raw in _UNLABELLED:
        reason = "no gold label"
        read.dropped[reason] += 1
        if read.dropped[reason] <= 10:
            read.dropped_lines.setdefault(reason, []).append(line)
        return set()
    gold = _label(raw, GOLD_NAMES, f"{where}: label")
    scores, said = _scores(row, where)
    given = row.get("predicted_label")
    if scores is None and given in (None, ""):
        raise NliError(
            f"{where}: neither predicted_scores nor predicted_label",
            f"fields there: {', '.join(map(str, row))}; it takes {WANTED}",
        )
    predicted = None if given in (None, "") else _label(given, LABELS, f"{where}: predicted_label")
    if scores is not None:
        predicted = _agreed(scores, predicted, where)
    assert predicted is not None
    premise, hypothesis = _as_exported(row, premise, hypothesis, gold)
    read.examples.append(Example(premise, hypothesis, gold, str(row.get("source_id") or "")))
    read.scores.append(scores)
    read.predicted.append(predicted)
    return said


def _as_exported(
    row: Mapping[str, Any], premise: str, hypothesis: str, gold: int
) -> tuple[str, str]:
    """The texts without the apostrophe that our CSV puts before a formula.

    Only where the row's example_id, which our exports carry, proves that it was ours.
    """
    key = row.get("example_id")
    if not key or not (premise.startswith("'") or hypothesis.startswith("'")):
        return premise, hypothesis
    one, two = (
        {text, text[1:]} if guarded(text[1:]) == text else {text} for text in (premise, hypothesis)
    )
    for first, second in product(one, two):
        if any(example_key(first, second, gold, number) == key for number in range(_REPEATS)):
            return first, second
    return premise, hypothesis


def _agreed(scores: Scores, predicted: int | None, where: str) -> int:
    """The label of the largest score; a predicted_label that differs proves another order."""
    best = scores.index(max(scores))
    if predicted is None or scores[predicted] == scores[best]:
        return best if predicted is None else predicted
    raise NliError(
        f"{where}: predicted_label is {LABELS[predicted]}, but the largest of predicted_scores "
        f"is that of {LABELS[best]}",
        f"the scores must be in the order {', '.join(LABELS)}",
    )


def _field(row: Mapping[str, Any], name: str, where: str) -> Any:
    for candidate in _NAMES[name]:
        if candidate in row:
            return row[candidate]
    found = ", ".join(str(key) for key in row if key is not None) or "none"
    raise NliError(f"{where}: there is no field {name}", f"fields there: {found}; wanted: {WANTED}")


def _text(row: Mapping[str, Any], name: str, where: str) -> str:
    text = _field(row, name, where)
    if not isinstance(text, str):
        raise NliError(f"{where}: {name} is not text: {text!r:.40}", f"it takes {WANTED}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NliError(
            f"{where}: {name} holds half a surrogate pair", "mend the file's encoding"
        ) from None
    return text


def _label(value: Any, names: tuple[str, ...], where: str) -> int:
    found: int | None = None
    if isinstance(value, str):
        text = value.strip()
        found = int(text) if text in ("0", "1", "2") else label_word(text)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = int(value) if value in (0, 1, 2) else None
    if found is None or found >= len(names):
        known = ", ".join(names)
        hint = f"labels: {known}, or 0, 1, 2 for the first three"
        raise NliError(f"{where} {value!r:.40} is not known", hint)
    return found


def _scores(row: Mapping[str, Any], where: str) -> tuple[Scores | None, set[str]]:
    """(three finite numbers or None, what the row says they are)."""
    value = row.get("predicted_scores")
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except ValueError:
            raise NliError(
                f"{where}: predicted_scores is not a list: {value!r:.40}", "such as [1.2, -0.3, 0]"
            ) from None
    if value in (None, ""):
        for names in _COLUMNS:
            if all(row.get(name) not in (None, "") for name in names):
                said = "logits" if names is _COLUMNS[0] else "probabilities"
                return _three([row[name] for name in names], where), {said}
        return None, set()
    kind = row.get("scores")
    return _three(value, where), {kind} if kind in ("logits", "probabilities") else set()


def _three(values: Any, where: str) -> Scores:
    try:
        if isinstance(values, str | bytes | Mapping) or any(isinstance(v, bool) for v in values):
            raise TypeError
        a, b, c = (float(value) for value in values)
    except (TypeError, ValueError, OverflowError):
        raise NliError(
            f"{where}: predicted_scores is not three numbers: {values!r:.60}",
            f"in the order {', '.join(LABELS)}",
        ) from None
    if not all(math.isfinite(x) and abs(x) < 1e30 for x in (a, b, c)):
        raise NliError(f"{where}: predicted_scores holds NaN or infinity", "mend that row")
    return a, b, c


def _rows(path: Path, kind: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        if kind == "parquet":
            yield from _parquet_rows(path)
            return
        text = _decoded(path)
    except OSError as error:
        raise NliError(
            f"cannot read {path}: {error.strerror or error}", "name a file of predictions"
        ) from None
    if kind == "jsonl":
        yield from _json_rows(path, text)
    else:
        yield from _csv_rows(path, text, "," if kind == "csv" else "\t")


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NliError(
            f"{path.name} is UTF-16", f"convert it: iconv -f UTF-16 -t UTF-8 {path.name}"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NliError(
            f"{path.name}, line {line}: not UTF-8", "convert the file to UTF-8"
        ) from None


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            about = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"
            raise NliError(
                f"{path.name}, line {number}: not JSON: {about}", "one JSON object a line"
            ) from None
        if not isinstance(row, dict):
            raise NliError(f"{path.name}, line {number}: not an object", f"it takes {WANTED}")
        yield number, row


def _csv_rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise NliError(
                    f"{path.name}, line {reader.line_num}: "
                    f"{'more' if None in row else 'fewer'} fields than the header has",
                    "mend that line, or its quotation marks",
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise NliError(
            f"{path.name}, line {reader.line_num}: {error}", "mend that line's quotation marks"
        ) from None


def _parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise NliError("reading Parquet needs pyarrow", "pip install pyarrow") from None
    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pa.ArrowException, UnicodeDecodeError) as error:
        about = str(error).splitlines()[0] if str(error) else "damaged"
        raise NliError(
            f"{path.name} is not Parquet: {about:.100}", "write the file again"
        ) from None
