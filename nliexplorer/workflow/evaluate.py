"""Logits, probabilities and metrics of a run on a split, into the store."""

from __future__ import annotations

import time
from dataclasses import replace
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


def evaluate_split(
    writer: StoreWriter | None,
    run_id: str,
    classifier: Classifier,
    rows: LoadedSplit,
    split: str,
    *,
    label: str,
) -> Metrics:
    """Predict every pair of `rows` and store it under `split`. Never computes the penalty."""
    examples = list(rows)
    started = time.perf_counter()
    with progress(f"{label}: evaluating {split}") as advance:
        pairs = [(each.premise, each.hypothesis) for each in examples]
        encoded = classifier.encode(pairs)
        logits = predict(classifier, encoded, progress=advance)
    seconds = time.perf_counter() - started
    _refuse_not_finite(logits, split)
    cut = int(encoded.truncated.sum())
    if cut:
        say(
            f"{label}: {cut} of {len(pairs)} pairs of {split} cut to {classifier.max_length} tokens"
        )
    gold = [each.gold for each in examples]
    metrics = replace(compute_metrics(gold, logits=logits), eval_seconds=seconds)
    if writer:
        probabilities = softmax(logits)
        predictions = [
            Prediction(
                classifier.classes[row.argmax()], tuple(row.tolist()), tuple(scores.tolist())
            )
            for row, scores in zip(logits, probabilities, strict=True)
        ]
        writer.store_evaluation(run_id, split, examples, predictions, metrics)
        writer.remember(run_id, **{cut_pairs_key(split): cut})
    return metrics


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
    *,
    samples: int = 0,
    device: str = "auto",
) -> tuple[str, str]:
    """`nliexplorer evaluate`: returns (run id, the split's name in the store).

    Under a launcher every process calls this and does its share.
    """
    processes.start(cpu=device == "cpu")
    with StoreReader(db) as reader:
        run = reader.runs.get(reference)
    data = data or run.data
    chosen = split or default_split(data)
    rows = load_split(data, chosen, samples=samples)
    key = split_key(data, chosen, run.data)
    classifier = load_run(run, device)
    with main_writer(db) as writer:
        if writer:
            examples = list(rows)
            if any(each.label == NON_ENTAILMENT for each in examples):
                say(f"{key}: {TWO_LABEL_RULE}")
            tell_overlap(writer, run, examples, key)
        evaluate_split(writer, run.id, classifier, rows, key, label=run.name)
    return run.id, key


def load_run(run: Run, device: str = "auto") -> Classifier:
    """The trained model of a run."""
    if not run.checkpoint:
        raise NliError(f"run {run.name} has no model", "imported runs hold predictions only")
    if not Path(run.checkpoint).is_dir():
        raise NliError(
            f"the model of run {run.name} is gone: {run.checkpoint}",
            f"train it again: {run.command or 'nliexplorer train'}",
        )
    fault = damage(run)
    if fault:
        raise NliError(f"the model of run {run.name} {fault}", "see: nliexplorer doctor")
    config: dict[str, Any] = dict(run.config)
    return load_classifier(
        run.checkpoint, device=device, max_length=int(config.get("max_length", 128))
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
