"""The card of a checkpoint folder, as the Hub's own library reads it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from nliexplorer.analysis.intervals import wilson
from nliexplorer.config import TrainConfig, load_config
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.model_card import write_model_card
from tests.tinyruns import tiny_run


def test_a_checkpoint_folder_has_a_card_with_data_objective_and_intervals(tmp_path: Path) -> None:
    db, run_id = tiny_run(tmp_path)
    config = TrainConfig(
        objective="ig-variance", model="google/electra-small-discriminator", ig_estimator="sampled"
    )
    with StoreReader(db) as reader:
        run = reader.runs.get(run_id)
        card = ModelCard.load(write_model_card(reader, run, config, Path(run.checkpoint)))
    assert card.data.library_name == "transformers"
    assert card.data.base_model == "google/electra-small-discriminator"
    assert card.data.pipeline_tag == "text-classification"
    accuracy = run.metrics["dev"].accuracy or 0.0
    low, high = (100 * float(end) for end in wilson(round(6 * accuracy), 6))
    assert f"{100 * accuracy:.2f} [{low:.2f}, {high:.2f}] %" in card.text
    assert "0.1 · tanh(10 · V)" in card.text
    assert "`sampled`" in card.text or '"sampled"' in card.text
    assert "planted" in card.text


@pytest.mark.parametrize("model", ["tiny", "minilm"])
def test_a_card_names_no_base_that_the_hub_has_not(tmp_path: Path, model: str) -> None:
    db, run_id = tiny_run(tmp_path)
    with StoreReader(db) as reader:
        run = reader.runs.get(run_id)
        card = write_model_card(reader, run, TrainConfig(model=model), Path(run.checkpoint))
    assert ModelCard.load(card).data.base_model is None
    assert "Cross-entropy alone" in card.read_text("utf-8")


def test_the_card_of_the_robust_recipe_says_what_it_gains_and_costs(tmp_path: Path) -> None:
    db, run_id = tiny_run(tmp_path)
    robust = replace(load_config("robust"), objective="ig-variance")
    with StoreReader(db) as reader:
        run = reader.runs.get(run_id)
        texts = [
            write_model_card(reader, run, config, Path(run.checkpoint)).read_text("utf-8")
            for config in (robust, replace(robust, objective="baseline"))
        ]
    heading = "## What the recipe gains and costs"
    assert [heading in text for text in texts] == [True, False]
    said = texts[0].split(heading)[1].split("##")[0]
    assert "`flipped`" in said
    assert "dev" in said
