"""Logits, probabilities and metrics of a run on a split, into the store."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nliexplorer import processes
from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.data.sources import LoadedSplit, default_split, load_split
from nliexplorer.errors import NliError
from nliexplorer.inference import Logits, predict, softmax
from nliexplorer.modeling.load import Classifier, load_classifier
from nliexplorer.progress import progress, say
from nliexplorer.records import (
    NON_ENTAILMENT,
    TWO_LABEL_RULE,
    Example,
    Metrics,
    Prediction,
    Run,
    cut_pairs_key,
)
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow.store_sink import main_writer
from nliexplorer.workflow.training_overlap import tell_overlap
from nliexplorer.workflow.weights import damage

#: Objective of runs whose model was trained elsewhere.
EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Forward:
    """How forward passes are made."""

    device: str = "auto"
    precision: str = "fp32"
    batch_tokens: int | None = None  # None: as many as suit the device


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a model says of each pair of a split, not stored yet."""

    examples: list[Example]
    predictions: list[Prediction]
    metrics: Metrics
    truncated: int  # pairs cut to the model's length


def evaluate_split(
    writer: StoreWriter | None,
    run_id: str,
    classifier: Classifier,
    rows: LoadedSplit,
    split: str,
    how: Forward | None = None,
    *,
    label: str,
) -> Metrics:
    """Predict every pair of `rows` and store it under `split`. Never computes the penalty."""
    evaluated = evaluate_pairs(classifier, rows, split, how, label=label)
    if writer:
        _store(writer, run_id, split, evaluated)
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
        encoded = classifier.encode((each.premise, each.hypothesis) for each in examples)
        logits = predict(
            classifier,
            encoded,
            token_budget=how.batch_tokens,
            precision=how.precision,
            progress=advance,
        )
    seconds = time.perf_counter() - started
    _refuse_not_finite(logits, split)
    cut = int(encoded.truncated.sum())
    if cut:
        say(
            f"{label}: {cut} of {len(examples)} pairs of {split} cut to "
            f"{classifier.max_length} tokens"
        )
    metrics = compute_metrics([each.gold for each in examples], logits=logits)
    predictions = [
        Prediction(classifier.classes[row.argmax()], tuple(row.tolist()), tuple(scores.tolist()))
        for row, scores in zip(logits, softmax(logits), strict=True)
    ]
    return Evaluated(examples, predictions, replace(metrics, eval_seconds=seconds), cut)


def store_evaluation(writer: StoreWriter, run: Run, split: str, evaluated: Evaluated) -> None:
    """Store it under `split`; whatever makes its figures special is said."""
    if any(each.label == NON_ENTAILMENT for each in evaluated.examples):
        say(f"{split}: {TWO_LABEL_RULE}")
    if run.objective != EXTERNAL:  # what such a model was trained on is not known
        tell_overlap(writer, run, evaluated.examples, split)
    _store(writer, run.id, split, evaluated)


def _store(writer: StoreWriter, run_id: str, split: str, evaluated: Evaluated) -> None:
    writer.store_evaluation(
        run_id, split, evaluated.examples, evaluated.predictions, evaluated.metrics
    )
    writer.remember(run_id, **{cut_pairs_key(split): evaluated.truncated})


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
) -> tuple[str, str]:
    """A run's evaluation on any data: (run id, the split's name in the store).

    Under a launcher every process calls this and does its share.
    """
    how = how or Forward()
    processes.start(cpu=how.device == "cpu")
    with StoreReader(db) as reader:
        run = reader.runs.get(reference)
    data = data or run.data
    chosen = split or default_split(data)
    rows = load_split(data, chosen, samples=samples)
    key = split_key(data, chosen, run.data)
    classifier = load_run(run, how.device)
    evaluated = evaluate_pairs(classifier, rows, key, how, label=run.name)
    with main_writer(db) as writer:
        if writer:
            store_evaluation(writer, run, key, evaluated)
    return run.id, key


def load_run(run: Run, device: str = "auto") -> Classifier:
    """The model of a run."""
    if not run.checkpoint:
        raise NliError(f"run {run.name} has no model", "imported runs hold predictions only")
    if not Path(run.checkpoint).is_dir():
        how = "put it back" if run.objective == EXTERNAL else "train it again"
        raise NliError(
            f"the model of run {run.name} is gone: {run.checkpoint}",
            f"{how}: {run.command or 'nliexplorer train'}",
        )
    fault = damage(run)
    if fault:
        raise NliError(f"the model of run {run.name} {fault}", "see: nliexplorer doctor")
    config: dict[str, Any] = dict(run.config)
    stated = f"?labels={config['labels']}" if "labels" in config else ""
    return load_classifier(
        f"{run.checkpoint}{stated}", device=device, max_length=int(config.get("max_length", 128))
    )


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
