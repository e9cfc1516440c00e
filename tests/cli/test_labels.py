"""`labels` as a user calls it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nliexplorer.records import LABELS, Example
from nliexplorer.store.writer import StoreWriter
from tests.cli.conftest import Call
from tests.databases import metrics, pairs, predictions


def store(path: Path, name: str, truth: list[Example], gold: list[Example], seed: int) -> None:
    """A run whose model knows the true labels, on pairs with the labels that are stored."""
    model_predictions = predictions(truth, seed, skill=5.0)
    with StoreWriter(path) as writer:
        run = writer.create_run(
            name=name, objective="baseline", data="snli", model="tiny", seed=seed, command="train"
        )
        for split in ("dev", "train"):
            writer.store_evaluation(
                run.id, split, gold, model_predictions, metrics(gold, model_predictions)
            )
        writer.finish_run(run.id, status="done", train_seconds=1.0)


@pytest.fixture
def mislabelled(tmp_path: Path) -> set[int]:
    """Runs `one` and `two` on 200 pairs, of which every 20th has another label than the true one.

    Annotators disagree on just these.
    """
    truth = pairs(200)
    wrong = set(range(0, 200, 20))
    gold = [
        replace(
            pair,
            label=(pair.label + 1) % 3 if i in wrong else pair.label,
            annotator_labels=(pair.label,) * 2 + ((pair.label + (i in wrong)) % 3,) * 3,
        )
        for i, pair in enumerate(truth)
    ]
    for seed, name in enumerate(("one", "two")):
        store(tmp_path / "runs.db", name, truth, gold, seed)
    return wrong


def test_wrong_labels_come_first(call: Call, mislabelled: set[int]) -> None:
    truth = {pair.premise: LABELS[pair.label] for pair in pairs(200)}
    document = call("labels", "one", "two", "--json", "--limit", 10).json
    assert document["runs"] == ["one", "two"]
    assert document["n"] == document["annotated"] == 200
    assert document["disagreement_auc"] > 0.95
    first = document["pairs"]
    numbers = {int(row["premise"].split("number ")[1].split()[0]) for row in first}
    assert len(numbers & mislabelled) >= 9
    for row in first:
        if int(row["premise"].split("number ")[1].split()[0]) in mislabelled:
            assert row["suggested"] == truth[row["premise"]]
            assert row["annotator_agreement"] == pytest.approx(0.6)
            assert row["flagged"]
    quality = [row["label_quality"] for row in first]
    assert quality == sorted(quality)


def test_table_and_filters(call: Call, mislabelled: set[int]) -> None:
    outcome = call("labels", "one", "--score", "normalised-margin", "--gold", "neutral")
    assert outcome.code == 0
    assert "20 of" in outcome.out
    assert "flagged" in outcome.out
    assert "annotators disagree with AUC" in " ".join(outcome.out.split())
    rows = call("labels", "one", "--gold", "neutral", "--json").json["pairs"]
    assert rows
    assert {row["gold"] for row in rows} == {"neutral"}


def test_pairs_that_were_trained_on_are_warned_of(call: Call, mislabelled: set[int]) -> None:
    assert call("labels", "one", "--json").json["notes"] == []
    (note,) = call("labels", "one", "--split", "train", "--json").json["notes"]
    assert "one was trained on train" in note


def test_what_cannot_be_judged_is_refused(
    call: Call, mislabelled: set[int], tmp_path: Path
) -> None:
    wrong = call("labels", "one", "--score", "training-dynamics")
    assert (wrong.code, wrong.err.count("\n")) == (1, 2)
    assert "did not record its training pairs" in wrong.err
    unknown = call("labels", "one", "--score", "margins")
    assert unknown.code == 1
    assert "normalised-margin" in unknown.err
    rows = [
        f'{{"premise": "{pair.premise}", "hypothesis": "{pair.hypothesis}", "label": "neutral", '
        f'"predicted_label": "neutral"}}'
        for pair in pairs(5)
    ]
    (tmp_path / "alone.jsonl").write_text("\n".join(rows))
    assert call("import", tmp_path / "alone.jsonl", "--name", "alone").code == 0
    refused = call("labels", "alone")
    assert refused.code == 1
    assert "labels only" in refused.err
