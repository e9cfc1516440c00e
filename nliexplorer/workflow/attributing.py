"""Per-token attributions of chosen pairs, into the store; goes on where an earlier call stopped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from nliexplorer.analysis.attribution_stats import attribution_statistics
from nliexplorer.attribution.explain import attribute
from nliexplorer.modeling.devices import is_main_process
from nliexplorer.modeling.load import Classifier
from nliexplorer.progress import progress, say
from nliexplorer.records import LABELS, Example, ExampleRow
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter

#: Nodes of the pictures. Enough for a small completeness error on most models, and every
#: attribution carries its own delta to judge that by.
PICTURE_STEPS = 20
#: Attributions a transaction: what a kill can lose.
CHUNK = 64


def attribute_run(
    writer: StoreWriter,
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

    `target` is gold, predicted, or one of LABELS. Pairs that have such an attribution already
    are left alone.
    """
    kind = target if target in ("gold", "predicted") else "label"
    with StoreReader(db) as reader:
        rows = _union(reader, split, selections)
        wanted = LABELS.index(target) if kind == "label" else None
        done = reader.attributed(run_id, method=method, steps=steps, kind=kind, target=wanted)
    todo = [row for row in rows if row.example_id not in done]
    if len(todo) < len(rows):
        say(f"{label}: {len(rows) - len(todo)} of {len(rows)} pairs are attributed already")
    if not todo:
        return 0
    examples = [Example(row.premise, row.hypothesis, row.gold) for row in todo]
    pending = []
    with progress(f"{label}: attributing {split}") as advance:
        explained = attribute(
            classifier,
            examples,
            target=target if wanted is None else wanted,
            method=method,
            steps=steps,
            progress=advance,
        )
        for index, attribution in explained:
            row = todo[index]
            stats = attribution_statistics(attribution, row.premise, row.hypothesis)
            pending.append((row.example_id, attribution, kind, stats))
            if len(pending) == CHUNK and is_main_process():
                writer.add_attributions(run_id, pending)
                pending = []
    if is_main_process():
        writer.add_attributions(run_id, pending)
    return len(todo)


def _union(
    reader: StoreReader, split: str, selections: Iterable[tuple[str, Filter]]
) -> list[ExampleRow]:
    """Pairs that any selection keeps, each once, in the split's order."""
    rows: dict[str, ExampleRow] = {}
    for run_id, chosen in selections:
        for row in reader.rows_by_id(reader.ids(run_id, split, chosen)):
            rows.setdefault(row.example_id, row)
    return sorted(rows.values(), key=lambda row: row.position)
