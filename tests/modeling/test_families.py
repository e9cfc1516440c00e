"""Every family of checkpoints: what it takes, and that a pair's batch changes nothing for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nliexplorer.attribution.methods import METHODS, attribute
from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling.load import load_classifier, save_classifier
from tests.families import FAMILIES, FAST, POSITIONS, checkpoint
from tests.tinymodels import EXAMPLES

Checkpoint = Callable[[str], Path]
PAIRS = [(example.premise, example.hypothesis) for example in EXAMPLES]
EACH = [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in FAMILIES]
#: What trial finds for families that are not padded on the right, or want ids on the path too.
PADDED_LEFT = {"xlnet"}
NEVER_PADDED = {"fnet", "convbert", "mobilebert"}
IDS_ON_PATH = {"longformer", "gpt2", "t5", "bart", "mbart", "llama", "opt"}
WITH_TYPES = {
    *("bert", "albert", "electra", "xlnet", "fnet", "convbert", "funnel", "mobilebert"),
    *("big_bird", "rembert", "roformer", "ernie", "squeezebert"),
}


@pytest.mark.parametrize("family", EACH)
def test_a_pair_gets_the_same_in_a_batch_and_alone(
    family: str, family_checkpoint: Checkpoint
) -> None:
    classifier = load_classifier(str(family_checkpoint(family)), device="cpu")
    together = predict(classifier, PAIRS)
    alone = np.concatenate([predict(classifier, [pair]) for pair in PAIRS])
    np.testing.assert_allclose(together, alone, atol=1e-4 * np.abs(alone).max())
    assert len(np.unique(together.round(5), axis=0)) == len(PAIRS)
    scored = dict(attribute(classifier, EXAMPLES, target="gold", steps=4))
    for row, example in enumerate(EXAMPLES):
        ((_, own),) = attribute(classifier, [example], target="gold", steps=4)
        size = max(np.abs(own.scores).max(), 1e-6)
        np.testing.assert_allclose(scored[row].scores, own.scores, atol=2e-3 * size)


@pytest.mark.parametrize("family", EACH)
def test_what_a_family_takes_is_found_by_trial(family: str, family_checkpoint: Checkpoint) -> None:
    traits = load_classifier(str(family_checkpoint(family)), device="cpu").traits
    padding = "left" if family in PADDED_LEFT else "none" if family in NEVER_PADDED else "right"
    assert traits.padding == padding
    assert traits.ids_on_path == (family in IDS_ON_PATH)
    assert traits.token_types == (family in WITH_TYPES)


@pytest.mark.parametrize("family", EACH)
def test_the_longest_pair_that_is_allowed_can_be_predicted(
    family: str, family_checkpoint: Checkpoint
) -> None:
    classifier = load_classifier(str(family_checkpoint(family)), device="cpu", max_length=512)
    assert POSITIONS - 2 <= classifier.max_length <= POSITIONS
    encoded = classifier.encode([("man " * 200, "dog " * 200)])
    assert encoded.length(0) == classifier.max_length
    assert encoded.truncated[0]
    assert np.isfinite(predict(classifier, encoded)).all()


def test_without_a_limit_of_its_own_a_model_takes_the_users(tmp_path: Path) -> None:
    folder = checkpoint("xlnet", tmp_path)
    config = folder / "tokenizer_config.json"
    config.write_text(config.read_text().replace(f'"model_max_length": {POSITIONS}', '"x": 0'))
    assert load_classifier(str(folder), device="cpu", max_length=300).max_length == 300


def test_a_tokenizer_without_padding_takes_the_end_of_text(family_checkpoint: Checkpoint) -> None:
    classifier = load_classifier(str(family_checkpoint("gpt2")), device="cpu")
    assert classifier.tokenizer.pad_token == "<|endoftext|>"
    assert classifier.model.config.pad_token_id == classifier.tokenizer.eos_token_id


def test_a_padding_token_that_cannot_be_had_is_asked_for(tmp_path: Path) -> None:
    folder = checkpoint("gpt2", tmp_path)
    config = folder / "tokenizer_config.json"
    config.write_text(config.read_text().replace('"eos_token"', '"other_token"'))
    with pytest.raises(NliError, match="no padding token") as caught:
        load_classifier(str(folder), device="cpu")
    assert '"pad_token"' in caught.value.hint


def test_embeddings_in_place_of_the_table_give_what_the_ids_give(
    family_checkpoint: Checkpoint,
) -> None:
    for family in ("bart", "xlnet", "bert"):
        classifier = load_classifier(str(family_checkpoint(family)), device="cpu")
        from nliexplorer.modeling.batching import collate

        batch = collate(classifier.encode(PAIRS), range(len(PAIRS)))
        with torch.no_grad():
            plain = classifier.logits(input_ids=batch.input_ids, **batch.features)
            inputs = classifier.embeddings(batch.input_ids)
            same = classifier.logits(
                input_ids=batch.input_ids, inputs_embeds=inputs, **batch.features
            )
            other = classifier.logits(
                input_ids=batch.input_ids, inputs_embeds=0.5 * inputs, **batch.features
            )
            again = classifier.logits(input_ids=batch.input_ids, **batch.features)
        torch.testing.assert_close(same, plain)
        assert (other - plain).abs().max() > 1e-3
        torch.testing.assert_close(again, plain)


@pytest.mark.parametrize("family", EACH)
def test_a_family_is_saved_and_comes_back(
    family: str, family_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    classifier = load_classifier(str(family_checkpoint(family)), device="cpu")
    save_classifier(classifier, tmp_path)
    back = load_classifier(str(tmp_path), device="cpu")
    assert back.traits == classifier.traits
    np.testing.assert_allclose(predict(back, PAIRS), predict(classifier, PAIRS), atol=1e-5)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "integrated-gradients"])
@pytest.mark.parametrize("family", ["xlnet", "bart"])
def test_other_methods_take_padding_on_the_left_and_ids(
    method: str, family: str, family_checkpoint: Checkpoint
) -> None:
    classifier = load_classifier(str(family_checkpoint(family)), device="cpu")
    options: dict[str, Any] = {"method": method, "target": "gold", "steps": 3}
    if METHODS[method].baseline:
        options["baseline"] = "mask"
    if (family, method) in {("bart", "attention-rollout"), ("xlnet", "deeplift")}:
        with pytest.raises(NliError, match=r"attention weights|tokens, not pairs"):
            list(attribute(classifier, EXAMPLES[:3], **options))
        return
    scored = dict(attribute(classifier, EXAMPLES[:3], **options))
    for row, example in enumerate(EXAMPLES[:3]):
        ((_, own),) = attribute(classifier, [example], **options)
        size = max(np.abs(own.scores).max(), 1e-6)
        np.testing.assert_allclose(scored[row].scores, own.scores, atol=2e-3 * size)
