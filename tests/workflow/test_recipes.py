"""Penalties and data that go beyond the paper, from their files to stored runs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from nliexplorer.config import TrainConfig, load_config
from nliexplorer.records import Run, StepRecord
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.train import train_all

#: e-SNLI's true columns, as far as they are read: gold label, sentence, marked sentence.
ESNLI = [
    ("neutral", "A man sleeps outdoors.", "A man *with* *friends* sleeps."),
    ("contradiction", "Two women *run* near a house.", "Two women *sleep* near a house."),
    ("entailment", "A *dog* eats a bone.", "An *animal* eats."),
    ("contradiction", "A boy sits on a chair.", "*Nobody* sits on a chair."),
]


def trained(folder: Path, **values: Any) -> tuple[Run, list[StepRecord]]:
    """The one run of the quick preset with `values`, on a handful of pairs."""
    small: dict[str, Any] = {
        "objective": "ig-variance",
        "epochs": 1.0,
        "batch_size": 8,
        "penalty_fraction": 1.0,
        "eval_splits": ["dev"],
        "eval_samples": 12,
        "attribute": False,
        "device": "cpu",
        "output_dir": str(folder / "models"),
    }
    config: TrainConfig = load_config("quick", flags=small | values)
    db = folder / "runs.db"
    (run_id,) = train_all([config], db)
    with StoreReader(db) as reader:
        return reader.runs.get(run_id), reader.dynamics.steps(run_id)


def table(path: Path, header: list[str], rows: list[list[str]], delimiter: str) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])


def esnli_rows(copies: int) -> list[list[str]]:
    return [
        [f"{copy}-{n}", label, *(text.replace("*", "") for text in texts), "so it is", *texts]
        for copy in range(copies)
        for n, (label, *texts) in enumerate(ESNLI)
    ]


@pytest.fixture
def esnli(tmp_path: Path) -> str:
    """A folder in e-SNLI's own format, 16 training pairs in its two files."""
    folder = tmp_path / "esnli"
    folder.mkdir()
    header = ["pairID", "gold_label", "Sentence1", "Sentence2", "Explanation_1"]
    header += ["Sentence1_marked_1", "Sentence2_marked_1"]
    for name in ("esnli_train_1", "esnli_train_2", "esnli_dev"):
        table(folder / f"{name}.csv", header, esnli_rows(2), ",")
    return f"esnli:{folder}"


@pytest.mark.slow
@pytest.mark.parametrize("highlights", ["planted", "highlights"])
def test_attribution_outside_rationales_is_penalised(
    tmp_path: Path, highlights: str, esnli: str
) -> None:
    data = {"data": "planted", "train_samples": 24} if highlights == "planted" else {"data": esnli}
    run, steps = trained(tmp_path, penalty="rationale", alpha="auto", ig_steps=4, **data)
    penalised = [step for step in steps if step.variance is not None]
    assert penalised
    assert all(step.variance and step.variance > 0 for step in penalised)
    assert run.config["penalty"] == "rationale"
    assert run.summary["training"]["alpha"] > 0  # what `auto` chose is kept with the run
    assert run.config["alpha"] == "auto"


@pytest.mark.slow
def test_counterfactual_pairs_join_the_training_set_and_a_debiased_loss(tmp_path: Path) -> None:
    folder = tmp_path / "cad"
    folder.mkdir()
    words = {"entailment": "sleeps", "contradiction": "runs", "neutral": "dreams"}
    rows = [["A man sleeps.", f"A man {verb}.", label] for label, verb in words.items()]
    table(folder / "train.tsv", ["sentence1", "sentence2", "gold_label"], rows, "\t")
    run, steps = trained(
        tmp_path,
        data="planted",
        train_samples=45,
        augment=f"cad:{folder}",
        debias="product-of-experts",
        record_dynamics=True,
    )
    training = run.summary["training"]
    assert training["train_pairs"] == run.summary["data"]["train"]["n"] == 48
    assert len(steps) == 6
    assert 0 <= training["expert_accuracy"] <= 1
    with StoreReader(tmp_path / "runs.db") as reader:
        recorded = reader.dynamics.pairs(run.id)
        assert recorded is not None
        texts = {each.hypothesis for each in reader.examples.by_id(recorded.example_ids.tolist())}
    assert {row[1] for row in rows} <= texts
