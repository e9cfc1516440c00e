"""Counterfactual partners in training: edited words, updates that hold both, gradients."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nliexplorer.data.counterfactuals import NO_PARTNER
from nliexplorer.errors import NliError
from nliexplorer.modeling.batching import Batch
from nliexplorer.training.dataset import TrainSet
from nliexplorer.training.gradient_supervision import gradient_alignment
from nliexplorer.training.partners import DELETED, PartnersTogether, couples, partners_of
from nliexplorer.training.preparation import prepare
from nliexplorer.training.run import train
from tests.tinymodels import tiny_classifier
from tests.training.counterfactuals import COUNTERFACTUALS, ORDINARY
from tests.training.helpers import settings
from tests.training.list_sink import ListSink

ROWS = (*COUNTERFACTUALS, *ORDINARY)


def prepared(**values: Any) -> Any:
    return prepare(tiny_classifier(), ROWS, settings(**values))


def test_edited_words_are_the_rationale() -> None:
    got = prepared(penalty="rationale-two-sided", rationales="counterfactual-edit")
    pairs, tokenizer = got.pairs, tiny_classifier().tokenizer
    words = [
        tokenizer.convert_ids_to_tokens(pairs.encoded.ids[place][pairs.rationale[place]].tolist())
        for place in map(pairs.encoded.slice, range(len(pairs)))
    ]
    assert words[:4] == [["sleeps"], ["runs"], ["people"], ["nobody"]]
    assert words[4:6] == [[], ["tall"]]  # the edit only adds to the first
    assert words[8:] == [[]] * len(ORDINARY)
    assert got.summary == {"partnered_pairs": 8, "rationale_pairs": 6}


def test_a_share_of_the_rationales_is_the_same_for_every_seed() -> None:
    kept = [
        prepared(
            penalty="rationale", rationales="counterfactual-edit", rationale_share=0.5, seed=seed
        ).pairs.rationale
        for seed in (0, 1)
    ]
    assert np.array_equal(*kept)
    whole = prepared(penalty="rationale", rationales="counterfactual-edit").pairs.rationale
    assert 0 < kept[0].sum() < whole.sum()
    assert not (kept[0] & ~whole).any()


def test_a_set_without_counterfactuals_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NliError, match="counterfactual pairs are asked for"):
        prepare(tiny_classifier(), ORDINARY, settings(contrast=True))


def test_aligned_tokens_and_revised_labels_reach_the_batch() -> None:
    pairs = prepared(gradient_supervision=1.0).pairs
    batch = TrainSet(pairs).collate([0, 5, 9])
    assert batch["revised_labels"].tolist() == [2, 1, -1]
    ids = tiny_classifier().tokenizer.convert_tokens_to_ids(["runs", "sleeps"])
    assert [ids[1], ids[0]] in torch.stack([batch["input_ids"], batch["revised_ids"]], -1).tolist()[
        0
    ]
    assert (batch["revised_ids"][1] == DELETED).sum() == 1  # "tall", which the revision lacks
    assert torch.equal(batch["revised_ids"][2], batch["input_ids"][2])


def test_couples_hold_every_row_once() -> None:
    partners = np.array([1, 0, 0, 0, 0, NO_PARTNER, 7, 6])
    labels = np.array([1, 0, 2, 2, 0, 1, 0, 0])
    assert couples(partners, labels) == [(0, 1), (2, 4), (3,), (5,), (6,), (7,)]


@pytest.mark.parametrize("lengths", [True, False])
def test_partners_come_in_the_same_update(lengths: bool) -> None:
    """Every couple within one update of four, in every epoch; every row once; orders differ."""
    pairs = prepared(contrast=True).pairs
    widths = pairs.encoded.lengths if lengths else None
    sampler = PartnersTogether(pairs.partners, pairs.labels, widths, 4, seed=0)
    orders = []
    for epoch in range(5):
        sampler.set_epoch(epoch)
        order = list(sampler)
        orders.append(order)
        assert sorted(order) == list(range(len(ROWS)))
        update = {row: place // 4 for place, row in enumerate(order)}
        for first in range(0, len(COUNTERFACTUALS), 2):
            assert update[first] == update[first + 1]
        assert order == list(sampler)
    assert len({tuple(order) for order in orders}) == 5


def test_an_odd_update_cannot_hold_couples() -> None:
    pairs = prepared(contrast=True).pairs
    with pytest.raises(NliError, match="even --batch-size"):
        PartnersTogether(pairs.partners, pairs.labels, None, 3, seed=0)


class Linear(nn.Module):
    """z_c = sum of e_t · w_c: the gradient of a margin is w_gold - w_revised at every token."""

    def __init__(self, weights: torch.Tensor, table: torch.Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)
        self.table = nn.Embedding.from_pretrained(table, freeze=False)


def linear_case(edit: torch.Tensor, deleted: bool = False) -> tuple[Any, Batch, torch.Tensor]:
    """One pair of a special and four words, the second `edit` off its partner's."""
    table = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    table[2] = edit if deleted else table[6] + edit
    model = Linear(torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]), table)
    classifier = SimpleNamespace(
        model=model,
        embeddings=model.table,
        traits=SimpleNamespace(ids_on_path=False),
        logits=lambda inputs_embeds, **_: inputs_embeds.sum(1) @ model.weights.T,
    )
    ids = torch.tensor([[0, 1, 2, 3, 4]])
    batch = Batch(ids, torch.ones_like(ids), None, torch.tensor([[0, 1, 1, 2, 2]]))
    other = ids.clone()
    other[0, 2] = DELETED if deleted else 6
    return classifier, batch, other


@pytest.mark.parametrize("deleted", [False, True])
def test_alignment_of_a_linear_model_is_known(deleted: bool) -> None:
    """An edit along w_0 - w_2 at one of four words: cos = 1/2; against it: -1/2; across it: 0."""
    gold, revised = torch.tensor([0]), torch.tensor([2])
    for edit, cosine in (([2.0, 0, -2], 0.5), ([-1.0, 0, 1], -0.5), ([0.0, 3, 0], 0.0)):
        classifier, batch, ids = linear_case(torch.tensor(edit), deleted)
        value = gradient_alignment(classifier, batch, gold, revised, ids)
        torch.testing.assert_close(value, torch.tensor([1 - cosine]))


def test_a_pair_without_partner_or_edit_has_no_value() -> None:
    classifier, batch, ids = linear_case(torch.tensor([1.0, 0, 0]))
    none = gradient_alignment(classifier, batch, torch.tensor([0]), torch.tensor([-1]), ids)
    same = gradient_alignment(
        classifier, batch, torch.tensor([0]), torch.tensor([1]), batch.input_ids
    )
    assert none.tolist() == same.tolist() == [0.0]


def test_its_gradient_agrees_with_finite_differences() -> None:
    """In float64 along a random direction of every parameter but the embeddings, whose difference
    is a constant of the loss."""
    classifier = tiny_classifier()
    classifier.model.double()
    batch = TrainSet(prepared(gradient_supervision=1.0).pairs).collate([0, 1, 5, 7, 9])
    rows = Batch(
        batch["input_ids"], batch["attention_mask"], batch["token_type_ids"], batch["segments"]
    )

    def value() -> torch.Tensor:
        return gradient_alignment(
            classifier, rows, batch["labels"], batch["revised_labels"], batch["revised_ids"]
        ).sum()

    value().backward()
    draw = torch.Generator().manual_seed(1)
    reached = 0
    for name, parameter in classifier.model.named_parameters():
        if "word_embeddings" in name or parameter.grad is None:
            continue
        direction = torch.randn(parameter.shape, generator=draw, dtype=torch.float64)
        direction /= direction.norm()
        ends = []
        for sign in (1e-5, -2e-5):
            with torch.no_grad():
                parameter.add_(direction, alpha=sign)
            ends.append(value().item())
        with torch.no_grad():
            parameter.add_(direction, alpha=1e-5)
        numeric = (ends[0] - ends[1]) / 2e-5
        exact = float((parameter.grad * direction).sum())
        assert exact == pytest.approx(numeric, rel=1e-4, abs=1e-6)
        reached += float(parameter.grad.norm()) > 0
    assert reached > 20


def test_supervision_turns_the_gradient_and_leaves_dropout_alone(tmp_path: Path) -> None:
    """Trained with it, the gradients point more along the edits than without."""
    means = {}
    for weight in (1e-6, 3.0):
        config = settings(
            objective="baseline", gradient_supervision=weight, epochs=40.0, batch_size=8, lr=3e-3
        )
        result = train(
            tiny_classifier(dropout=0.1), ROWS, None, config, ListSink(), checkpoint_dir=tmp_path
        )
        means[weight] = result.summary["gradient_supervision"]
    assert means[3.0] < means[1e-6] - 0.1


@pytest.mark.parametrize("contrast", [False, True])
def test_everything_together_in_one_run(tmp_path: Path, contrast: bool) -> None:
    sink = ListSink()
    config = settings(
        penalty="rationale-two-sided",
        rationales="counterfactual-edit",
        gradient_supervision=0.5,
        contrast=contrast,
        alpha=0.5,
    )
    result = train(tiny_classifier(), ROWS, None, config, sink, checkpoint_dir=tmp_path)
    assert result.summary["partnered_pairs"] == 8
    assert any((step.variance or 0) > 0 for step in sink.steps)
    assert partners_of(ROWS, prepared(contrast=True).pairs.encoded).known.sum() == 8
