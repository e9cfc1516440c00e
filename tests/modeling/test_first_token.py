"""Leaving out what the head does not read changes no logit and no gradient."""

from __future__ import annotations

import pytest
import torch
from transformers import RobertaConfig, RobertaForSequenceClassification

from nliexplorer.modeling.checkpoints import label_names
from nliexplorer.modeling.load import Classifier
from tests.tinymodels import tiny_classifier


def _roberta() -> Classifier:
    config = RobertaConfig(
        vocab_size=40,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        attn_implementation="eager",
    )
    label_names(config)
    torch.manual_seed(0)
    model = RobertaForSequenceClassification(config).eval()
    return Classifier(model, None, "roberta", (0, 1, 2), 60, torch.device("cpu"))


@pytest.mark.parametrize("family", ["electra", "bert", "roberta"])
def test_logits_and_gradients_stay_the_same_for_less_work(family: str) -> None:
    classifier = _roberta() if family == "roberta" else tiny_classifier(family)
    model = classifier.model.double()
    ids = torch.randint(5, 30, (3, 12), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    seen: list[torch.Size] = []
    block = model.base_model.encoder.layer[-1].output
    watch = block.register_forward_hook(lambda _module, _given, out: seen.append(out.shape))
    plain = model(input_ids=ids, attention_mask=mask).logits
    ours = classifier.logits(input_ids=ids, attention_mask=mask)
    again = model(input_ids=ids, attention_mask=mask).logits  # the model itself is as it was
    watch.remove()
    assert [shape[1] for shape in seen] == [12, 1, 12]
    torch.testing.assert_close(ours, plain)
    assert torch.equal(again, plain)
    parameters = list(model.parameters())
    for found, wanted in zip(
        torch.autograd.grad(ours[:, 1].sum(), parameters, allow_unused=True),
        torch.autograd.grad(plain[:, 1].sum(), parameters, allow_unused=True),
        strict=True,
    ):
        assert (found is None) == (wanted is None)
        if wanted is not None:
            torch.testing.assert_close(found, wanted)
