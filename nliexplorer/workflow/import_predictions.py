"""Imported predictions become a run: nothing is written before the whole file has been checked."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.analysis.outputs import softmax
from nliexplorer.data.source_spec import split_query
from nliexplorer.data.tabular.compression import STDIN, SUFFIXES, local_file
from nliexplorer.errors import NliError
from nliexplorer.progress import say
from nliexplorer.records import GOLD_NAMES, LABELS, UNKNOWN, Metrics, Prediction, Run
from nliexplorer.run_summary import RunSummary, label_basis_key
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow.blank_premises import with_stored_premises
from nliexplorer.workflow.label_order import basis_of, import_orders, permutation_note
from nliexplorer.workflow.predictions_file import PredictionsFile, ReadOptions, read_predictions


def import_file(
    db: Path,
    source: str | Path,
    *,
    name: str = "",
    split: str = "dev",
    options: ReadOptions | None = None,
) -> Run:
    """The new run; NliError leaves the database as it was.

    `source` is a file, `-` for standard input, with options after `?` as for `--data`.
    """
    options = options or ReadOptions()
    source = str(source)
    path = Path(split_query(source)[0])
    read = read_predictions(source, options)
    read.examples, filled = with_stored_premises(db, read.examples)
    if filled:
        read.notes.append(filled)
    predictions, metrics = _measured(read)
    words = [*(["--name", name] if name else []), *(["--split", split] if split != "dev" else [])]
    command = shlex.join(["nliexplorer", "import", source, *words, *options.words()])
    names = [LABELS[index] for index in read.order.positions]
    gold_order, model_order = import_orders(command, read.gold_basis, read.order.basis, names)
    if permuted := permutation_note(*_scored(read), gold_order=gold_order, model_order=model_order):
        read.notes.append(permuted)
    for note in read.notes:
        say(f"{path.name}: {note}")
    with StoreWriter(db) as writer:
        split, note = writer.split_name("", split, read.examples)  # a new run's
        if note:
            say(note)
        run = _created(writer, name, path, command=command, summary=_summary(read, path, split))
        try:
            writer.store_evaluation(run.id, split, read.examples, predictions, metrics)
            writer.finish_run(run.id, status="done")
        except BaseException:
            with suppress(NliError):  # the first error is the one to report
                writer.delete_run(run.id)
            raise
    return replace(run, metrics={split: metrics})


def _summary(read: PredictionsFile, path: Path, split: str) -> RunSummary:
    summary: dict[str, Any] = {
        "scores": read.kind,
        "file": path.name,
        "sha256": hashlib.sha256(local_file(path).read_bytes()).hexdigest(),
        "dropped": dict(read.dropped),
        "dropped_lines": read.dropped_lines,
        label_basis_key(split): basis_of(read.gold_basis, predicted=read.order.basis),
        "score_order": [GOLD_NAMES[index] for index in _classes(read)],
        "notes": read.notes,
    }
    return cast(RunSummary, summary)


def _created(
    writer: StoreWriter, name: str, path: Path, *, command: str, summary: RunSummary
) -> Run:
    """A run of the requested name, else named after the file, with a number where that is taken."""
    stem = name or _name_of(path)
    attempt = 1
    while True:
        try:
            return writer.create_run(
                name=stem if attempt == 1 else f"{stem}-{attempt}",
                objective="imported",
                data=path.name,
                model="imported",
                command=command,
                summary=summary,
            )
        except NliError as error:
            if name or "exists already" not in error.message:
                raise
            attempt += 1


def _name_of(path: Path) -> str:
    if path == STDIN:
        return "stdin"
    inner = Path(path.stem) if path.suffix.lower() in SUFFIXES else path
    return "".join(c if c.isprintable() else "_" for c in inner.stem)[:150].lstrip("-")


def _classes(read: PredictionsFile) -> tuple[int, ...]:
    """The classes of the scores as they stood in the file."""
    two_way = any(scores is not None and len(scores) == 2 for scores in read.scores)
    return read.order.two_way if two_way else read.order.positions


def _scored(read: PredictionsFile) -> tuple[list[int], list[int]]:
    """Gold labels and predictions of the pairs that have both."""
    pairs = [
        (gold, predicted)
        for gold, predicted in zip(read.gold, read.answered, strict=True)
        if UNKNOWN not in (gold, predicted)
    ]
    return [gold for gold, _ in pairs], [predicted for _, predicted in pairs]


def _measured(read: PredictionsFile) -> tuple[Sequence[Prediction], Metrics]:
    gold = np.array(read.gold)
    predicted = np.array(read.answered)
    if read.kind == "labels alone":
        rows = zip(read.predicted, read.details, strict=True)
        return [
            Prediction(label, None, None, *details) for label, details in rows
        ], compute_metrics(gold, predicted=predicted)
    width = next(len(scores) for scores in read.scores if scores is not None)
    nothing = (np.nan,) * width
    scores = np.array([each or nothing for each in read.scores], dtype=np.float64)
    logits = scores if read.kind == "logits" else None
    probabilities = softmax(scores) if logits is not None else scores
    metrics = compute_metrics(
        gold,
        logits=logits,
        probabilities=None if logits is not None else probabilities,
        predicted=predicted,
    )
    columns = (read.predicted, read.scores, probabilities.tolist(), read.details)
    return [
        Prediction(
            label,
            own if logits is not None else None,
            None if own is None else tuple(p),
            *details,
        )
        for label, own, p, details in zip(*columns, strict=True)
    ], metrics
