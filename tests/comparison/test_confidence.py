"""In sets of two labels filters, calibration, slices and the stored column mean one confidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.comparison.pairs import pair_runs
from nliexplorer.comparison.slices import slice_runs
from nliexplorer.comparison.tables import calibrations
from nliexplorer.records import ENTAILMENT, NON_ENTAILMENT, Example, Prediction
from nliexplorer.store.filters import parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter

N = 400
_rng = np.random.default_rng(5)
P = _rng.dirichlet((1.0, 1.0, 1.0), size=N)


def _reader(path: Path, labels: tuple[int, ...], scores: np.ndarray) -> StoreReader:
    gold = [labels[i % len(labels)] for i in range(N)]
    examples = [Example(f"Premise {i}.", f"Hypothesis {i}.", g) for i, g in enumerate(gold)]
    classes = (0, 1, 2) if scores.shape[1] == 3 else (ENTAILMENT, NON_ENTAILMENT)
    predictions = [
        Prediction(classes[int(row.argmax())], None, tuple(row.tolist())) for row in scores
    ]
    with StoreWriter(path) as writer:
        run = writer.create_run(name="r", objective="baseline", data="d", model="m").id
        metrics = compute_metrics(gold, probabilities=scores)
        writer.store_evaluation(run, "dev", examples, predictions, metrics)
        writer.finish_run(run, status="done")
    return StoreReader(path)


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ((0, 1, 2), P),
        ((ENTAILMENT, NON_ENTAILMENT), P),
        ((0, 1, 2), np.stack([P[:, 0], 1 - P[:, 0]], axis=1)),
    ],
    ids=["three labels", "two labels", "two-way head"],
)
def test_filter_calibration_and_slices_count_the_same_pairs(
    tmp_path: Path, labels: tuple[int, ...], scores: np.ndarray
) -> None:
    with _reader(tmp_path / "x.db", labels, scores) as reader:
        evaluation = reader.runs.evaluation("r")
        paired = pair_runs(reader, ["r"])
        bins = calibrations(paired)[0].result.bins
        [cut] = slice_runs(reader, paired).cuts(["confidence"])
        by_bin = [each.n for each in bins]
        filtered = [
            reader.predictions.count(
                evaluation,
                parse_filter(
                    f"conf:>={each.low!r}" + (f" conf:<{each.high!r}" if each.high < 1 else "")
                ),
            )
            for each in bins
        ]
        assert filtered == by_bin
        assert [row.n for row in cut.rows if row.n] == [n for n in by_bin if n]
        assert sum(by_bin) == N


def test_two_labels_take_the_probability_of_the_decision(tmp_path: Path) -> None:
    with _reader(tmp_path / "x.db", (ENTAILMENT, NON_ENTAILMENT), P) as reader:
        rows = reader.predictions.rows(reader.runs.evaluation("r"))
    selected = P.argmax(axis=1) == ENTAILMENT
    expected = np.where(selected, P[:, 0], 1 - P[:, 0])
    assert [row.confidence for row in rows] == pytest.approx(expected.tolist())
    assert (expected[selected] < 0.5).any()  # entailment won without a majority
    assert (expected[~selected] > P.max(axis=1)[~selected]).all()


@pytest.mark.parametrize("text", ["gold:entailment", "wrong", "conf:>=0.9"])
def test_a_part_of_a_set_of_two_labels_is_of_two_labels(tmp_path: Path, text: str) -> None:
    with _reader(tmp_path / "x.db", (ENTAILMENT, NON_ENTAILMENT), P) as reader:
        paired = pair_runs(reader, ["r"], filter=parse_filter(text))
        rows = reader.predictions.rows(reader.runs.evaluation("r"), parse_filter(text))
        [outputs] = paired.outputs
        assert outputs.two_label
        assert outputs.confidence is not None
        assert outputs.confidence.tolist() == pytest.approx([row.confidence for row in rows])
