"""Leaving out what the head does not read changes no logit and no gradient."""

from __future__ import annotations

import pytest
import torch

from tests.tinymodels import tiny_classifier


@pytest.mark.parametrize("family", ["electra", "bert", "roberta"])
def test_logits_and_gradients_stay_the_same_for_less_work(family: str) -> None:
    classifier = tiny_classifier(family)
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
    for result, expected in zip(
        torch.autograd.grad(ours[:, 1].sum(), parameters, allow_unused=True),
        torch.autograd.grad(plain[:, 1].sum(), parameters, allow_unused=True),
        strict=True,
    ):
        assert (result is None) == (expected is None)
        if expected is not None:
            torch.testing.assert_close(result, expected)
