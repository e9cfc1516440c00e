"""Logits, probabilities and metrics of a run on a split, into the store."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nliexplorer import processes
from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.analysis.outputs import softmax
from nliexplorer.data.sources import LoadedSplit, default_split, load_split
from nliexplorer.errors import NliError
from nliexplorer.inference import Logits, predict_pairs
from nliexplorer.modeling.load import Classifier
from nliexplorer.progress import progress, say
from nliexplorer.records import (
    NON_ENTAILMENT,
    TWO_LABEL_RULE,
    UNKNOWN,
    Example,
    Metrics,
    Prediction,
    Run,
)
from nliexplorer.run_summary import cut_pairs_key, label_basis_key
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow.label_order import basis_of, permutation_note, source_of
from nliexplorer.workflow.run_models import EXTERNAL, load_run
from nliexplorer.workflow.store_sink import main_writer
from nliexplorer.workflow.training_overlap import report_overlap


@dataclass(frozen=True, slots=True)
class Forward:
    """How forward passes are made."""

    device: str = "auto"
    precision: str = "fp32"
    batch_tokens: int | None = None  # None: chosen for the device
    windows: bool = False  # read premises beyond the limit window by window


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A model's predictions of a split, not stored yet."""

    rows: LoadedSplit
    examples: list[Example]
    predictions: list[Prediction]
    metrics: Metrics


def evaluate_split(
    writer: StoreWriter | None,
    run_id: str,
    classifier: Classifier,
    rows: LoadedSplit,
    split: str,
    *,
    label: str,
) -> Metrics:
    """Predict every pair of `rows` and store it under `split`, a name of `name_evaluation`.

    Never computes the penalty.
    """
    evaluated = evaluate_pairs(classifier, rows, split, label=label)
    if writer:
        _store(writer, run_id, split, evaluated, label)
    return evaluated.metrics


def evaluate_pairs(
    classifier: Classifier,
    rows: LoadedSplit,
    split: str,
    how: Forward | None = None,
    *,
    label: str,
) -> Evaluated:
    """Predict every pair of `rows`; nothing is stored."""
    how = how or Forward()
    examples = list(rows)
    started = time.perf_counter()
    with progress(f"{label}: evaluating {split}") as advance:
        read = predict_pairs(
            classifier,
            [(each.premise, each.hypothesis) for each in examples],
            windows=how.windows,
            token_budget=how.batch_tokens,
            precision=how.precision,
            progress=advance,
        )
    seconds = time.perf_counter() - started
    logits = read.logits
    _refuse_not_finite(logits, split)
    if read.windows:
        say(f"{label}: {split}: premises read by overlapping windows: {len(read.windows)}")
    cut = int(read.truncated.sum())
    if cut:
        say(
            f"{label}: {cut} of {len(examples)} pairs of {split} cut to "
            f"{classifier.max_length} tokens"
        )
    metrics = compute_metrics([each.gold for each in examples], logits=logits)
    predictions = [
        Prediction(
            classifier.classes[row.argmax()],
            tuple(row.tolist()),
            tuple(p.tolist()),
            truncated=bool(read.truncated[number]),
            window=read.windows.get(number),
        )
        for number, (row, p) in enumerate(zip(logits, softmax(logits), strict=True))
    ]
    return Evaluated(rows, examples, predictions, replace(metrics, eval_seconds=seconds))


def store_evaluation(
    writer: StoreWriter, run: Run, split: str, evaluated: Evaluated, *, overwrite: bool = False
) -> str:
    """Store it under `split`, or a name that keeps it apart; returns the name.

    Notes that qualify its metrics are shown. `overwrite`: the pairs replace whatever the run has
    under that name.
    """
    name, note = writer.split_name(run.id, split, evaluated.examples, replace=overwrite)
    if note:
        say(note)
    if any(each.label == NON_ENTAILMENT for each in evaluated.examples):
        say(f"{name}: {TWO_LABEL_RULE}")
    if run.objective != EXTERNAL:  # what such a model was trained on is not known
        report_overlap(writer, run, evaluated.examples, name)
    _store(writer, run.id, name, evaluated, run.name)
    return name


def _store(writer: StoreWriter, run_id: str, split: str, evaluated: Evaluated, label: str) -> None:
    examples, predictions, rows = evaluated.examples, evaluated.predictions, evaluated.rows
    writer.store_evaluation(run_id, split, examples, predictions, evaluated.metrics)
    basis = basis_of(rows.label_basis, source=rows.source, split=rows.split)
    cut = sum(bool(each.truncated) for each in predictions)
    writer.remember(run_id, **{cut_pairs_key(split): cut, label_basis_key(split): basis})
    predicted = [UNKNOWN if each.predicted is None else each.predicted for each in predictions]
    if rows.label_basis == "convention" and (
        note := permutation_note(
            [each.gold for each in examples],
            predicted,
            gold_order=source_of(label, rows.source, rows.split),
        )
    ):
        say(f"{split}: {note}")


def _refuse_not_finite(logits: Logits, split: str) -> None:
    bad = np.flatnonzero(~np.isfinite(logits).all(axis=-1))
    if len(bad):
        shown = ", ".join(str(row + 1) for row in bad[:5]) + (", …" if len(bad) > 5 else "")
        raise NliError(
            f"the logits of {len(bad)} pairs of {split} are NaN or infinite: pair {shown}",
            "the model is broken: see its training loss, or train with --precision fp32",
        )


def evaluate_run(
    db: Path,
    reference: str,
    data: str | None,
    split: str | None,
    how: Forward | None = None,
    *,
    samples: int = 0,
    replace: bool = False,
) -> tuple[str, str]:
    """A run's evaluation on any data: (run id, the evaluation's name in the store).

    `replace`: the pairs replace whatever the run has under that name. In a distributed run every
    process calls this and does its share.
    """
    how = how or Forward()
    processes.start(cpu=how.device == "cpu")
    with StoreReader(db) as reader:
        run = reader.runs.get(reference)
    data = data or run.data
    split = split or default_split(data)
    rows = load_split(data, split, samples=samples)
    classifier = load_run(run, how.device)
    key = split_key(data, split, run.data)
    evaluated = evaluate_pairs(classifier, rows, key, how, label=run.name)
    with main_writer(db) as writer:
        if writer:
            key = store_evaluation(writer, run, key, evaluated, overwrite=replace)
        return run.id, processes.broadcast(key)


def name_evaluation(
    writer: StoreWriter | None,
    run_id: str,
    split: str,
    examples: Sequence[Example],
    *,
    replace: bool = False,
) -> str:
    """The name to store the evaluation of these pairs under, with a note where it is unusual.

    Every process of a distributed run must call this; the main one, with the writer, decides.
    """
    name = split
    if writer:
        name, note = writer.split_name(run_id, split, examples, replace=replace)
        if note:
            say(note)
    return processes.broadcast(name)


def split_key(data: str, split: str, own: str) -> str:
    """What a run trained on `own` calls a split of `data`: the split alone where it is its own."""
    return split if _same_source(data, own) else f"{_short(data)}:{split}"


def _same_source(data: str, other: str) -> bool:
    same = Path(data).exists() and Path(other).exists() and Path(data).samefile(other)
    return data == other or same


def _short(data: str) -> str:
    """A set's own name wherever its files lie, a path without its folder: on another machine the
    same pairs have the same name.
    """
    if Path(data).exists():
        return Path(data).name
    name, colon, path = data.partition(":")
    return name if colon and name != "hf" and Path(path.partition("?")[0]).exists() else data
