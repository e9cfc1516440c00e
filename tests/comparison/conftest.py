"""Databases whose runs call the same pairs by different names, and other pairs by the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.records import Example, Prediction
from nliexplorer.store.writer import StoreWriter
from tests.databases import add_run, pairs, predictions, whole_words


def evaluate(
    writer: StoreWriter,
    run_id: str,
    split: str,
    examples: list[Example],
    seed: int,
    skill: float = 2.0,
) -> list[Prediction]:
    """Stores predictions with attributions of every other pair."""
    answers = predictions(examples, seed, skill)
    measured = compute_metrics([e.label for e in examples], logits=[a.logits for a in answers])
    ids = writer.store_evaluation(run_id, split, examples, answers, measured)
    items = [
        (ids[i], whole_words(examples[i], seed + i), "gold", None)
        for i in range(0, len(examples), 2)
    ]
    writer.add_attributions(run_id, items)
    return answers


@pytest.fixture
def renamed(tmp_path: Path) -> Path:
    return build_renamed(tmp_path / "runs.db")


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    return build_halves(tmp_path / "runs.db")


def build_renamed(path: Path) -> Path:
    """A on `extra` (60 pairs); B has them as `other`, in another order and with 9 more, and `dev`.

    B's `dev` holds 121 other pairs, and is the split that B is shown on when nothing is asked.
    """
    lines, others = pairs(69, seed=4), pairs(121, seed=5)
    with StoreWriter(path) as writer:
        a, _ = add_run(writer, "A", others[:40], 1, split="elsewhere")
        evaluate(writer, a.id, "extra", lines[:60], 11, 1.2)
        b, _ = add_run(writer, "B", others, 2)
        evaluate(writer, b.id, "other", lines[::-1], 12, 2.5)
    return path


def build_halves(path: Path) -> Path:
    """A on 300 pairs; B on f1, which shares 100 of them, and on f3, which shares all."""
    lines = pairs(500, seed=6)
    with StoreWriter(path) as writer:
        a, _ = add_run(writer, "A", lines[:10], 1, split="few")
        evaluate(writer, a.id, "mine", lines[200:], 21, 1.0)
        b, _ = add_run(writer, "B", lines[100:300], 2, split="f1")
        evaluate(writer, b.id, "f3", lines[200:], 22, 2.0)
    return path
