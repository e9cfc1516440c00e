"""The report's tables as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nliexplorer.records import predicted_name
from nliexplorer.report.data import ReportData
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.export import guarded

Row = Mapping[str, Any]


def write_tables(reader: StoreReader, data: ReportData, folder: Path) -> None:
    """One file per table; text that a spreadsheet would run as a formula is escaped."""
    for name, rows in _tables(reader, data).items():
        _write(folder / f"{name}.csv", rows)


def _tables(reader: StoreReader, data: ReportData) -> dict[str, list[Row]]:
    lengths: list[Row] = [
        {"run": side.run.name, "bins": bins, **row.as_dict()}
        for bins, tables in (
            ("equal width", data.lengths),
            ("equal count", data.length_quantiles),
        )
        for side, rows in zip(data.sides, tables, strict=True)
        for row in rows
    ]
    return {
        "table1": [row.as_dict() for row in data.comparison.metrics],
        "outcomes": [_outcomes(data)],
        "lengths": lengths,
        "confusion": _confusion(data),
        "slices": [row.as_dict() for row in data.slices],
        "slices_that_differ_most": [row.as_dict() for row in data.surprising],
        "calibration": _calibration(data),
        "changed_pairs": _changed(reader, data),
    }


def _outcomes(data: ReportData) -> Row:
    names = ("a", "b", "split", "n", "fixed", "broken", "both_right", "both_wrong", "mcnemar_p")
    return {name: getattr(data.comparison, name) for name in (*names, "resamples")}


def _confusion(data: ReportData) -> list[Row]:
    return [
        {"run": side.run.name, "gold": gold, "predicted": label, "n": int(n), "share": float(share)}
        for side in data.sides
        for gold, counts, rates in zip(
            side.confusion.gold_names, side.confusion.counts, side.confusion.rates, strict=True
        )
        for label, n, share in zip(side.confusion.predicted_names, counts, rates, strict=True)
    ]


def _calibration(data: ReportData) -> list[Row]:
    return [
        {"run": side.run.name, **each.as_dict()}
        for side in data.sides
        if side.calibration is not None
        for each in side.calibration.bins
    ]


def _changed(reader: StoreReader, data: ReportData) -> list[Row]:
    """Every fixed and every broken pair, not the twenty of the page alone."""
    a, b = (side.arrays for side in data.sides)
    changed = a.correct != b.correct
    rows = [reader.predictions.rows_by_id(arrays.take(changed).ids) for arrays in (a, b)]
    return [
        {
            "change": "fixed" if two.correct else "broken",
            "example_id": one.example_id,
            "premise": one.premise,
            "hypothesis": one.hypothesis,
            "gold": one.as_dict()["gold"],
            "predicted_a": predicted_name(one.predicted),
            "predicted_b": predicted_name(two.predicted),
            "confidence_a": one.confidence,
            "confidence_b": two.confidence,
        }
        for one, two in zip(*rows, strict=True)
    ]


def _write(path: Path, rows: Iterable[Row]) -> None:
    listed = list(rows)
    with path.open("w", encoding="utf-8", newline="") as stream:
        if not listed:
            return
        writer = csv.DictWriter(stream, list(listed[0]))
        writer.writeheader()
        for row in listed:
            writer.writerow({k: guarded(v) if isinstance(v, str) else v for k, v in row.items()})
