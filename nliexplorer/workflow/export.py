"""A run's predictions as a file; the suffix selects the exporter."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nliexplorer.data.metadata import PREFIX
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.records import GOLD_NAMES, TWO_WAY, EvaluationRef, ExampleRow, named_scores
from nliexplorer.store.filters import EVERYTHING, Filter
from nliexplorer.store.reader import StoreReader

Exporter = Callable[[Path, Iterable[ExampleRow], "FurtherColumns"], None]
#: Suffix -> exporter: register further formats here.
EXPORTERS: dict[str, Exporter] = {}
_BATCH = 1_000
# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def exporter(suffix: str) -> Callable[[Exporter], Exporter]:
    """Registers the exporter of a suffix."""

    def register(function: Exporter) -> Exporter:
        EXPORTERS[suffix] = function
        return function

    return register


def export_run(
    reader: StoreReader,
    evaluation: EvaluationRef,
    out: Path,
    *,
    filter: Filter = EVERYTHING,
    force: bool = False,
) -> int:
    """Writes the predictions that pass; returns how many."""
    _check(out, force)
    return export_rows(reader, reader.predictions.ids(evaluation, filter), out, force=force)


def export_rows(
    reader: StoreReader, ids: NDArray[np.int64], out: Path, *, force: bool = False
) -> int:
    """Writes the predictions with these row ids, in this order; returns how many.

    The suffix of `out` chooses the format. The file is written completely or not at all.
    """
    _check(out, force)
    part = out.with_name(f"{out.name}.part")
    try:
        further = FurtherColumns.of(reader.predictions.further_columns(ids))
        EXPORTERS[out.suffix.lower()](part, _rows(reader, ids), further)
        part.replace(out)
    except OSError as error:
        raise NliError(
            f"cannot write {out}: {error.strerror or error}", "choose another path"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()
    return len(ids)


def _check(out: Path, force: bool) -> None:
    if out.suffix.lower() not in EXPORTERS:
        raise unknown_name("export format", out.suffix or out.name, list(EXPORTERS))
    if out.exists() and not force:
        raise NliError(f"{out} exists", "name another file, or add --force")


def _rows(reader: StoreReader, ids: Any) -> Iterator[ExampleRow]:
    for start in range(0, len(ids), _BATCH):
        yield from reader.predictions.rows_by_id(ids[start : start + _BATCH])


@exporter(".jsonl")
def write_jsonl(path: Path, rows: Iterable[ExampleRow], further: FurtherColumns) -> None:
    """As `import` takes it: the same pairs, scores, labels, answers and columns come back."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            document: dict[str, Any] = {
                "example_id": row.example_id,
                "premise": row.premise,
                "hypothesis": row.hypothesis,
                "label": None if row.gold is None else GOLD_NAMES[row.gold],
                "predicted_label": None if row.predicted is None else GOLD_NAMES[row.predicted],
            }
            scores = row.logits or row.probabilities
            if scores is not None:
                two_way = len(scores) == len(TWO_WAY)
                document["predicted_scores"] = named_scores(scores) if two_way else scores
                document["scores"] = "logits" if row.logits else "probabilities"
            document |= further.of_row(row, absent=False)
            stream.write(json.dumps(document, ensure_ascii=False) + "\n")


@exporter(".csv")
def write_csv(path: Path, rows: Iterable[ExampleRow], further: FurtherColumns) -> None:
    """For spreadsheets: text that would run as a formula gets a leading apostrophe."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer: csv.DictWriter[str] | None = None
        for row in rows:
            columns = prediction_columns(row)
            for name in ("premise", "hypothesis"):
                columns[name] = guarded(columns[name])
            for name, value in further.of_row(row).items():
                columns[name] = guarded(value) if isinstance(value, str) else _plain(value)
            if writer is None:
                writer = csv.DictWriter(stream, list(columns))
                writer.writeheader()
            writer.writerow(columns)


@exporter(".parquet")
def write_parquet(path: Path, rows: Iterable[ExampleRow], further: FurtherColumns) -> None:
    """One typed column per value, named as in the CSV."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise NliError("writing Parquet needs pyarrow", "pip install pyarrow") from None
    schema = further.arrow_schema()
    with pq.ParquetWriter(path, schema) as writer:
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(further.arrow_row(row))
            if len(batch) == _BATCH:
                writer.write_table(pa.Table.from_pylist(batch, schema))
                batch = []
        writer.write_table(pa.Table.from_pylist(batch, schema))


@dataclass(frozen=True, slots=True)
class FurtherColumns:
    """Columns that only some runs have: `answer`, `explanation`, `truncated` and `window` (the
    `window`th of `windows` decided), `annotator_labels`, `meta.NAME` of what came with the pairs.

    `types`: column -> "text", "number", "whole" or "truth", in order.
    """

    types: Mapping[str, str]

    @classmethod
    def of(cls, json_types: Mapping[str, set[str]]) -> FurtherColumns:
        """From the JSON types that each column's values have."""
        return cls({name: _type(types) for name, types in json_types.items()})

    def of_row(self, row: ExampleRow, *, absent: bool = True) -> dict[str, Any]:
        """The row's values; without `absent` only those that it has."""
        names = [GOLD_NAMES[label] for label in row.annotator_labels]
        own: dict[str, Any] = {"answer": row.answer or None, "explanation": row.explanation or None}
        own["annotator_labels"] = names or None
        own["truncated"] = row.truncated
        own |= row.window.as_dict() if row.window else {}
        own |= {f"{PREFIX}{name}": value for name, value in row.extra.items()}
        values = {name: own.get(name) for name in self.types}
        if absent:
            return values
        return {name: value for name, value in values.items() if value is not None}

    def arrow_schema(self) -> Any:
        """That of `arrow_row`."""
        import pyarrow as pa

        kinds = {"number": pa.float64(), "whole": pa.int64(), "truth": pa.bool_()}
        further = [(name, kinds.get(kind, pa.string())) for name, kind in self.types.items()]
        return pa.unify_schemas([prediction_schema(), pa.schema(further)])

    def arrow_row(self, row: ExampleRow) -> dict[str, Any]:
        """The row's figures and further columns; what is neither text nor number as JSON."""
        values = self.of_row(row)
        texts = {name: _text(values[name]) for name, kind in self.types.items() if kind == "text"}
        return prediction_columns(row) | values | texts


def _type(json_types: set[str]) -> str:
    if json_types <= {"integer"}:
        return "whole"
    if json_types <= {"integer", "real"}:
        return "number"
    return "truth" if json_types <= {"true", "false"} else "text"


def _plain(value: Any) -> Any:
    """A cell of a CSV: a number or nothing as it is, anything else as JSON."""
    return value if value is None or type(value) in (int, float) else json.dumps(value)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def prediction_schema() -> Any:
    """The Arrow schema of `prediction_columns`."""
    import pyarrow as pa

    numbers = ["confidence", *_columns("p"), *_columns("logit")]
    return pa.schema(
        [
            *((name, pa.string()) for name in ("example_id", "premise", "hypothesis")),
            *((name, pa.string()) for name in ("label", "predicted_label")),
            ("length", pa.int64()),
            *((name, pa.float64()) for name in numbers),
        ]
    )


def guarded(text: str) -> str:
    """`text`, never a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """`text` as it was before `guarded`."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def prediction_columns(row: ExampleRow) -> dict[str, Any]:
    """One value per column; None where a run has none."""
    return {
        "example_id": row.example_id,
        "premise": row.premise,
        "hypothesis": row.hypothesis,
        "label": None if row.gold is None else GOLD_NAMES[row.gold],
        "predicted_label": None if row.predicted is None else GOLD_NAMES[row.predicted],
        "length": row.length,
        "confidence": row.confidence,
        **_score_columns("p", row.probabilities),
        **_score_columns("logit", row.logits),
    }


def _score_columns(stem: str, scores: Sequence[float] | None) -> dict[str, float | None]:
    """A column for each name of GOLD_NAMES; the last is of two-way heads."""
    named = named_scores(scores) or {}
    return dict(zip(_columns(stem), map(named.get, GOLD_NAMES), strict=True))


def _columns(stem: str) -> list[str]:
    return [f"{stem}_{name.replace('-', '_')}" for name in GOLD_NAMES]
