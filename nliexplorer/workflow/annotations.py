"""Tags and notes as files: a person's review, or another model's verdicts on the pairs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nliexplorer.data.tabular import RawTable, open_table
from nliexplorer.data.tabular.cells import parse_container
from nliexplorer.data.tabular.columns import cell, field_names, find_column, plain_name
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.records import GOLD_NAMES, example_key
from nliexplorer.store.reader import AnnotatedPair, StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.store.writing.notes import checked_tag
from nliexplorer.workflow.export import guarded

#: How many line numbers of rows that match no pair are kept.
_LISTED = 5


@dataclass(frozen=True, slots=True)
class AnnotationColumns:
    """Which columns hold the tags and the note; empty: `tags` or `tag`, and `note`."""

    tags: str = ""
    note: str = ""


@dataclass(slots=True)
class ImportedAnnotations:
    """What was imported from a file, and the first lines of rows that match no stored pair."""

    rows: int = 0
    pairs: int = 0
    tags: int = 0
    notes: int = 0
    unmatched: int = 0
    unmatched_lines: list[int] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def import_annotations(
    db: Path, file: str, columns: AnnotationColumns = AnnotationColumns(), prefix: str = ""
) -> ImportedAnnotations:
    """Adds a file's tags and notes to the stored pairs; all of them, or none if anything is wrong.

    A row names its pair by `example_id`, or by premise and hypothesis, whatever the gold label.
    Several tags of a row are a list or separated by semicolons; `prefix` goes before each. A note
    replaces the pair's note. Raises NliError for rows that cannot be read and where no row matches.
    """
    table = open_table(Path(file))
    result = ImportedAnnotations()
    annotations = []
    with StoreReader(db) as reader:
        for line, row in table.rows():
            if isinstance(row, str):
                raise NliError(f"{table.at(line)}: {row}", "correct that line")
            tags, note = _annotation(row, columns, prefix, table, line)
            if not tags and not note:
                continue
            result.rows += 1
            keys = _keys(reader, row, table, line)
            if not keys:
                result.unmatched += 1
                result.unmatched_lines += [line] * (len(result.unmatched_lines) < _LISTED)
            annotations += [(key, tags, note) for key in keys]
            result.pairs += len(keys)
            result.tags += len(keys) * len(tags)
            result.notes += len(keys) * bool(note)
    if not result.rows:
        raise NliError(
            f"{table.where}: no row has a tag or a note",
            "name their columns: --tag-column COLUMN, --note-column COLUMN",
        )
    if not annotations:
        raise NliError(
            f"{table.where}: none of {result.rows:,} annotated rows is a pair of {db}",
            "evaluate or import those pairs first, or name another database with --db",
        )
    with StoreWriter(db, create=False) as writer:
        writer.annotate(annotations)
    return result


def _annotation(
    row: Mapping[str, Any], columns: AnnotationColumns, prefix: str, table: RawTable, line: int
) -> tuple[list[str], str]:
    names = field_names(row)
    tag_column = _column(columns.tags, ("tags", "tag"), names)
    note_column = _column(columns.note, ("note", "notes"), names)
    value = parse_container(cell(row, tag_column)) if tag_column else None
    words = value if isinstance(value, list) else str(value if value is not None else "").split(";")
    try:
        tags = [checked_tag(f"{prefix}{word}") for word in words if str(word).strip()]
    except NliError as error:
        raise NliError(f"{table.at(line)}: {error.message}", error.hint) from None
    note = cell(row, note_column) if note_column else None
    return tags, str(note).strip() if note is not None else ""


def _column(stated: str, usual: tuple[str, ...], names: list[str]) -> str:
    if stated:
        if stated not in names:
            raise unknown_name("column", stated, names)
        return stated
    plain = {plain_name(name): name for name in names}
    return next((plain[name] for name in usual if name in plain), "")


def _keys(reader: StoreReader, row: Mapping[str, Any], table: RawTable, line: int) -> list[str]:
    """Ids of the stored pairs that a row is about."""
    stated = row.get("example_id")
    if stated:
        with suppress(NliError):
            return [reader.examples.get(str(stated)).key]
        return []
    names = field_names(row)
    texts = [cell(row, find_column(role, names) or role) for role in ("premise", "hypothesis")]
    if None in texts:
        raise NliError(
            f"{table.at(line)}: no example_id, and no premise and hypothesis",
            f"add them; the columns are {', '.join(names)}",
        )
    premise, hypothesis = map(str, texts)
    golds = (None, *range(len(GOLD_NAMES)))
    return [key for gold in golds for key in _occurrences(reader, premise, hypothesis, gold)]


def _occurrences(
    reader: StoreReader, premise: str, hypothesis: str, gold: int | None
) -> Iterator[str]:
    """Ids are made from content, so a pair stored several times has several."""
    occurrence = 0
    while reader.examples.exists(key := example_key(premise, hypothesis, gold, occurrence)):
        yield key
        occurrence += 1


def export_annotations(db: Path, out: Path, *, force: bool = False) -> int:
    """Writes every tagged or noted pair as .jsonl or .csv, as `import_annotations` reads them."""
    writers = {".jsonl": _write_jsonl, ".csv": _write_csv}
    if out.suffix.lower() not in writers:
        raise unknown_name("export format", out.suffix or out.name, list(writers))
    if out.exists() and not force:
        raise NliError(f"{out} exists", "name another file, or add --force")
    with StoreReader(db) as reader:
        pairs = list(reader.annotations.pairs())
    try:
        writers[out.suffix.lower()](out, [_document(pair) for pair in pairs])
    except OSError as error:
        raise NliError(
            f"cannot write {out}: {error.strerror or error}", "choose another path"
        ) from error
    return len(pairs)


def _document(pair: AnnotatedPair) -> dict[str, Any]:
    return {
        "example_id": pair.example_id,
        "premise": pair.premise,
        "hypothesis": pair.hypothesis,
        "label": None if pair.gold is None else GOLD_NAMES[pair.gold],
        "tags": list(pair.tags),
        "note": pair.note,
    }


def _write_jsonl(out: Path, documents: list[dict[str, Any]]) -> None:
    lines = [json.dumps(document, ensure_ascii=False) + "\n" for document in documents]
    out.write_text("".join(lines), encoding="utf-8")


def _write_csv(out: Path, documents: list[dict[str, Any]]) -> None:
    with out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(
            stream, ["example_id", "premise", "hypothesis", "label", "tags", "note"]
        )
        writer.writeheader()
        for document in documents:
            texts = {name: guarded(document[name]) for name in ("premise", "hypothesis", "note")}
            writer.writerow(document | texts | {"tags": _joined(document["tags"])})


def _joined(tags: list[str]) -> str:
    """Separated by semicolons; a JSON list where a tag holds one itself."""
    return json.dumps(tags) if any(";" in tag for tag in tags) else ";".join(tags)
