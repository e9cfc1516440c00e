"""A stored run with a random model of its own, for commands that load one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.analysis.outputs import softmax
from nliexplorer.inference import predict
from nliexplorer.modeling.load import save_classifier
from nliexplorer.records import Example, Prediction
from nliexplorer.store.writer import StoreWriter
from tests.tinymodels import EXAMPLES, tiny_classifier


def tiny_run(
    folder: Path, *, name: str = "tiny", seed: int = 0, examples: Sequence[Example] = EXAMPLES
) -> tuple[Path, str]:
    """(database, run id): `examples` predicted as split dev by a model saved under `folder`."""
    classifier = tiny_classifier(seed=seed)
    checkpoint = folder / f"model-{name}"
    save_classifier(classifier, checkpoint)
    logits = predict(classifier, [(each.premise, each.hypothesis) for each in examples])
    predictions = [
        Prediction(int(row.argmax()), tuple(row.tolist()), tuple(chances.tolist()))
        for row, chances in zip(logits, softmax(logits), strict=True)
    ]
    db = folder / "runs.db"
    with StoreWriter(db) as writer:
        run = writer.create_run(name=name, objective="baseline", data="none", model="tiny", seed=0)
        metrics = compute_metrics([each.label for each in examples], logits=logits)
        writer.store_evaluation(run.id, "dev", examples, predictions, metrics)
        writer.finish_run(run.id, status="done", train_seconds=1.0, checkpoint=str(checkpoint))
    return db, run.id
