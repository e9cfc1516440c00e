"""Per-token attributions of selected pairs, into the store; resumes where it stopped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nliexplorer import processes
from nliexplorer.analysis.attribution_stats import attribution_statistics
from nliexplorer.attribution.baseline import AUTO, resolve_baseline
from nliexplorer.attribution.methods import attribute, checked_settings
from nliexplorer.modeling.load import Classifier
from nliexplorer.progress import progress, say
from nliexplorer.records import GOLD_NAMES, EvaluationRef, Example, Window
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.store.writing.evaluations import AttributionItem
from nliexplorer.workflow.run_models import load_run
from nliexplorer.workflow.store_sink import main_writer

#: Nodes on the path, as in the paper; each attribution carries its own completeness error.
DEFAULT_STEPS = 10
#: Attributions per transaction: the most that a kill can lose.
CHUNK = 64


def attribute_run(
    writer: StoreWriter | None,
    db: Path,
    run_id: str,
    classifier: Classifier,
    split: str,
    selections: Sequence[tuple[str, Filter]],
    *,
    label: str,
    target: str = "gold",
    method: str = "integrated-gradients",
    baseline: str = AUTO,
    steps: int = DEFAULT_STEPS,
) -> int:
    """Attribute the union of `selections` (pairs that a run's filter keeps); returns how many.

    `target` is gold, predicted, or a label's name. Pairs that have such an attribution already are
    skipped and counted in a note.
    """
    method, baseline, steps = checked_settings(method, baseline, steps)
    setting = AttributionSetting(method, resolve_baseline(classifier, baseline), steps, target)
    todo, examples, windows = processes.broadcast(
        _todo(db, run_id, split, selections, setting, label) if writer else ([], [], {})
    )
    pending: list[AttributionItem] = []
    with progress(f"{label}: attributing {split}") as advance:
        explained = attribute(
            classifier,
            examples,
            method=setting.method,
            target=target,
            steps=setting.steps,
            baseline=setting.baseline,
            progress=advance,
            windows=windows,
        )
        try:
            for index, attribution in explained:
                example = examples[index]
                stats = attribution_statistics(attribution, example.premise, example.hypothesis)
                pending.append((todo[index], attribution, setting.kind, stats))
                if writer and len(pending) >= CHUNK and not processes.running():
                    writer.add_attributions(run_id, pending)
                    pending = []
        except KeyboardInterrupt:
            if writer and not processes.running():
                writer.add_attributions(run_id, pending)
                say(f"{label}: finished attributions are saved; run the same command to continue")
            raise
    pending = processes.gather_lists(pending)
    if writer:
        writer.add_attributions(run_id, pending)
    return len(todo)


def attribute_errors(db: Path, run_id: str, split: str, device: str = "auto") -> int:
    """Attribute the wrong predictions of a run, of their gold class; returns how many."""
    with StoreReader(db) as reader:
        run = reader.runs.get(run_id)
    with main_writer(db) as writer:
        return attribute_run(
            writer,
            db,
            run_id,
            load_run(run, device),
            split,
            [(run_id, Filter.of({"is": "wrong"}))],
            label=run.name,
        )


@dataclass(frozen=True, slots=True)
class AttributionSetting:
    """An attribution's settings, as they are stored."""

    method: str
    baseline: str
    steps: int
    target: str  # gold, predicted, or a label's name

    @property
    def kind(self) -> str:
        return self.target if self.target in ("gold", "predicted") else "label"


def _todo(
    db: Path,
    run_id: str,
    split: str,
    selections: Sequence[tuple[str, Filter]],
    setting: AttributionSetting,
    label: str,
) -> tuple[list[int], list[Example], dict[int, Window]]:
    """Row ids and pairs that lack an attribution with these settings, and by position the window
    that decided those with long premises.
    """
    with StoreReader(db) as reader:
        selected = _union(reader, split, selections)
        done = _done(reader, run_id, split, setting)
        todo = [row for row in selected if row not in done]
        if len(todo) < len(selected):
            done_before = len(selected) - len(todo)
            say(f"{label}: {done_before} of {len(selected)} pairs are already attributed")
        windows = reader.predictions.windows(EvaluationRef(run_id, split), todo)
        return todo, reader.examples.by_id(todo), windows


def _done(reader: StoreReader, run_id: str, split: str, setting: AttributionSetting) -> set[int]:
    """Row ids of the pairs with nothing left to do.

    One class of a pair is stored once, and `gold` is the kind that everything looks for first: it
    may take another kind's place, and never the other way round.
    """
    stored = reader.attributions.done_classes(
        EvaluationRef(run_id, split),
        method=setting.method,
        baseline=setting.baseline,
        steps=setting.steps,
    )
    if setting.target == "gold":
        return {row for row, classes in stored.items() if "gold" in classes.values()}
    if setting.target in GOLD_NAMES:
        number = GOLD_NAMES.index(setting.target)
        return {row for row, classes in stored.items() if number in classes}
    arrays = reader.predictions.arrays(EvaluationRef(run_id, split), scored_only=False)
    predicted = dict(zip(arrays.example_ids.tolist(), arrays.predicted.tolist(), strict=True))
    return {row for row, classes in stored.items() if predicted.get(row) in classes}


def _union(reader: StoreReader, split: str, selections: Iterable[tuple[str, Filter]]) -> list[int]:
    """Row ids of the pairs that any selection keeps, each once; limits count."""
    rows: dict[int, None] = {}
    for run_id, filter in selections:
        evaluation = EvaluationRef(run_id, split)
        arrays = reader.predictions.arrays(
            evaluation, replace(filter, limit=None), scored_only=False
        )
        ids = arrays.example_ids.tolist()
        if filter.limit is not None:
            row_of = dict(zip(arrays.ids.tolist(), ids, strict=True))
            ids = [row_of[number] for number in reader.predictions.ids(evaluation, filter)]
        rows |= dict.fromkeys(ids)
    return list(rows)
