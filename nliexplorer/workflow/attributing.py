"""Per-token attributions of chosen pairs, into the store; goes on where an earlier call stopped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from nliexplorer import processes
from nliexplorer.analysis.attribution_stats import attribution_statistics
from nliexplorer.attribution.explain import attribute
from nliexplorer.modeling.load import Classifier
from nliexplorer.progress import progress, say
from nliexplorer.records import Example
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.store.writing.evaluations import AttributionItem

#: Nodes of the pictures, as in the paper; each attribution carries its own completeness error.
PICTURE_STEPS = 10
#: Attributions a transaction: what a kill can lose.
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
    steps: int = PICTURE_STEPS,
) -> int:
    """Attribute the union of `selections` (pairs that a run's filter keeps); returns how many.

    `target` is gold, predicted, or a label's name. Pairs that have such an attribution already
    are left alone.
    """
    kind = target if target in ("gold", "predicted") else "label"
    todo, examples = processes.share(
        _todo(db, run_id, split, selections, (method, steps, kind), label) if writer else ([], [])
    )
    pending: list[AttributionItem] = []
    with progress(f"{label}: attributing {split}") as advance:
        explained = attribute(classifier, examples, target=target, steps=steps, progress=advance)
        for index, attribution in explained:
            example = examples[index]
            stats = attribution_statistics(attribution, example.premise, example.hypothesis)
            pending.append((todo[index], attribution, kind, stats))
            if writer and len(pending) >= CHUNK and not processes.running():
                writer.add_attributions(run_id, pending)
                pending = []
    pending = processes.gather_lists(pending)
    if writer:
        writer.add_attributions(run_id, pending)
    return len(todo)


def _todo(
    db: Path,
    run_id: str,
    split: str,
    selections: Sequence[tuple[str, Filter]],
    settings: tuple[str, int, str],
    label: str,
) -> tuple[list[int], list[Example]]:
    """Row ids and pairs that lack an attribution with these settings (method, steps, kind)."""
    method, steps, kind = settings
    with StoreReader(db) as reader:
        chosen = _union(reader, split, selections)
        done = reader.attributed(
            run_id, method=method, baseline="zero", steps=steps, target_kind=kind
        )
        todo = [row for row in chosen if row not in done]
        if len(todo) < len(chosen):
            say(f"{label}: {len(chosen) - len(todo)} of {len(chosen)} pairs are attributed already")
        return todo, reader.stored_examples(todo)


def _union(reader: StoreReader, split: str, selections: Iterable[tuple[str, Filter]]) -> list[int]:
    """Row ids of the pairs that any selection keeps, each once."""
    rows: dict[int, None] = {}
    for run_id, wanted in selections:
        rows |= dict.fromkeys(reader.arrays(run_id, split, wanted).example_ids.tolist())
    return list(rows)
