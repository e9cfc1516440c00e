"""Training on the annotators' shares of each label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nliexplorer.annotators import human_distribution, label_distribution
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import reorder
from nliexplorer.records import Example
from nliexplorer.training.dataset import TrainSet, tokenise, with_shares
from nliexplorer.training.run import train
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.helpers import settings
from tests.training.list_sink import ListSink

VOTES = ((0, 0, 1, 2), (1, 1), (), (2, 2, 2, 1, 0), (0,), (2, 1))
ROWS = [replace(EXAMPLES[i % len(EXAMPLES)], annotator_labels=v) for i, v in enumerate(VOTES)]


def losses(folder: Path, rows: list[Example], **values: Any) -> list[float]:
    sink = ListSink()
    config = settings(objective="baseline", batch_size=len(rows), max_steps=3, **values)
    train(tiny_classifier(), rows, rows[:3], config, sink, checkpoint_dir=folder)
    return [step.ce for step in sink.steps]


def test_the_loss_is_the_cross_entropy_to_the_shares(tmp_path: Path) -> None:
    classifier = tiny_classifier()
    batch = TrainSet(tokenise(classifier, ROWS)).collate(range(len(ROWS)))
    features = {
        k: v for k, v in batch.items() if k in ("input_ids", "attention_mask", "token_type_ids")
    }
    with torch.no_grad():
        logits = reorder(classifier.model(**features).logits, classifier.label_order)
    log_p = torch.log_softmax(logits.double(), -1).numpy()
    target = np.array(
        [label_distribution(row.annotator_labels) or np.eye(3)[row.gold] for row in ROWS]
    )
    expected = -(target * log_p).sum(1).mean()
    (first, *_) = losses(tmp_path, ROWS, soft_labels=True)
    assert first == pytest.approx(expected, rel=1e-4)
    assert first != pytest.approx(losses(tmp_path / "hard", ROWS)[0], rel=1e-3)


def test_unanimous_annotators_are_hard_labels(tmp_path: Path) -> None:
    rows = [replace(row, annotator_labels=(row.gold,) * 5) for row in ROWS]
    soft = losses(tmp_path / "soft", rows, soft_labels=True)
    assert soft == pytest.approx(losses(tmp_path / "hard", rows), rel=1e-5)
    debiased = losses(tmp_path / "poe", rows * 4, soft_labels=True, debias="product-of-experts")
    assert np.isfinite(debiased).all()


def test_shares_come_from_labels_or_a_distribution() -> None:
    stated = replace(EXAMPLES[0], extra={"label_dist": [0.2, 0.3, 0.5]})
    rows = [*ROWS, stated]
    shares = [human_distribution(row.annotator_labels, row.extra) for row in rows]
    pairs = with_shares(tokenise(tiny_classifier(), rows), shares)
    assert pairs.shares is not None
    assert pairs.annotated == 5  # no label and one label are no distribution
    np.testing.assert_allclose(pairs.shares[0], [0.5, 0.25, 0.25])
    np.testing.assert_allclose(pairs.shares[2], np.eye(3)[ROWS[2].gold])
    np.testing.assert_allclose(pairs.shares[-1], [0.2, 0.3, 0.5])


def test_data_without_annotators_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NliError, match="no training pair has several annotators"):
        losses(tmp_path, list(EXAMPLES), soft_labels=True)


def test_not_with_the_focal_loss() -> None:
    with pytest.raises(NliError, match="focal"):
        settings(soft_labels=True, debias="focal")
