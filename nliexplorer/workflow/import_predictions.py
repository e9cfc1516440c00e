"""Imported predictions become a run: nothing is written before the whole file is known good."""

from __future__ import annotations

import hashlib
import shlex
from contextlib import suppress
from pathlib import Path

import numpy as np

from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.analysis.outputs import softmax
from nliexplorer.errors import NliError
from nliexplorer.progress import say
from nliexplorer.records import Metrics, Prediction, Run, RunSummary
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow.predictions_file import PredictionsFile, read_predictions


def import_file(
    db: Path, path: Path, *, name: str = "", format_: str | None = None, split: str = "dev"
) -> Run:
    """The new run; NliError leaves the database as it was."""
    read = read_predictions(path, format_)
    predictions, metrics = _measured(read)
    command = ["nliexplorer", "import", str(path), *(["--name", name] if name else [])]
    with StoreWriter(db) as writer:
        run = _created(
            writer,
            name,
            path,
            command=shlex.join([*command, *(["--split", split] if split != "dev" else [])]),
            summary={
                "scores": read.kind,
                "file": path.name,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "dropped": dict(read.dropped),
                "dropped_lines": read.dropped_lines,
            },
        )
        try:
            split, note = writer.split_name(run.id, split, read.examples)
            if note:
                say(note)
            writer.store_evaluation(run.id, split, read.examples, predictions, metrics)
            writer.finish_run(run.id, status="done")
        except BaseException:
            with suppress(NliError):  # the first error is the one to tell
                writer.delete_run(run.id)
            raise
    return run


def _created(
    writer: StoreWriter, name: str, path: Path, *, command: str, summary: RunSummary
) -> Run:
    """A run named as asked, else after the file with a number where that is taken."""
    chosen = name or "".join(c if c.isprintable() else "_" for c in path.stem)[:150].lstrip("-")
    attempt = 1
    while True:
        try:
            return writer.create_run(
                name=chosen if attempt == 1 else f"{chosen}-{attempt}",
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


def _measured(read: PredictionsFile) -> tuple[list[Prediction], Metrics]:
    gold = np.array([example.label for example in read.examples])
    predicted = np.array(read.predicted)
    if read.kind == "labels alone":
        return [Prediction(label) for label in read.predicted], compute_metrics(
            gold, predicted=predicted
        )
    scores = np.array(read.scores, dtype=np.float64)
    logits = scores if read.kind == "logits" else None
    probabilities = softmax(scores) if logits is not None else scores
    metrics = compute_metrics(
        gold,
        logits=logits,
        probabilities=None if logits is not None else probabilities,
        predicted=predicted,
    )
    rows = zip(read.predicted, read.scores, probabilities.tolist(), strict=True)
    return [
        Prediction(label, own if logits is not None else None, (p[0], p[1], p[2]))
        for label, own, p in rows
    ], metrics
