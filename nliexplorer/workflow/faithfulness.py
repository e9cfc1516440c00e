"""The faithfulness of a method for one run, on a random sample of a split's pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nliexplorer.attribution.faithfulness import Faithfulness, judge
from nliexplorer.attribution.methods import settle
from nliexplorer.progress import progress
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.attribute import DEFAULT_STEPS
from nliexplorer.workflow.run_models import load_run


def judge_run(
    db: Path,
    reference: str,
    split: str | None = None,
    *,
    method: str = "integrated-gradients",
    baseline: str = "auto",
    steps: int = DEFAULT_STEPS,
    samples: int = 200,
    seed: int = 0,
    device: str = "auto",
) -> tuple[str, str, Faithfulness]:
    """(run's name, split, measures); `samples` 0 takes every pair, `seed` fixes which are drawn."""
    settle(method, baseline, steps)
    with StoreReader(db) as reader:
        run = reader.runs.get(reference)
        evaluation = reader.runs.evaluation(run.id, split)
        rows = reader.predictions.arrays(evaluation).example_ids
        if 0 < samples < len(rows):
            rows = rows[np.sort(np.random.default_rng(seed).permutation(len(rows))[:samples])]
        examples = reader.examples.by_id(rows)
    classifier = load_run(run, device)
    with progress(f"{run.name}: judging {method}") as advance:
        found = judge(
            classifier, examples, method=method, baseline=baseline, steps=steps, progress=advance
        )
    return run.name, evaluation.split, found
