"""Integrated Gradients of any sequence classifier, differentiable: for a loss of your own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from nliexplorer.attribution import integrated_gradients as kernel
from nliexplorer.attribution.quadrature import nodes
from nliexplorer.modeling.devices import pass_tokens
from nliexplorer.modeling.load import as_classifier


def integrated_gradients(
    model: Any,
    inputs: Mapping[str, Any],
    target: Tensor | int,
    *,
    steps: int = 10,
    rule: str = "gauss-legendre",
    baseline: Tensor | None = None,
    create_graph: bool = False,
) -> Tensor:
    """Scores [B, T] of each token for the logit of class `target`: what it adds to the logit.

    A row sums to F(input) - F(baseline) up to the quadrature's error (Sundararajan et al. 2017).
    `inputs` holds `input_ids` [B, T] and what else the model takes, on its device; a column
    `labels` is left out. `target` is one class, or one per row [B]. `baseline` [T, D] or [B, T, D]
    are word embeddings, by default zeros. With `create_graph` the scores can be differentiated, so
    that a loss of them trains the whole model; put it in eval mode for scores without dropout.
    Padded positions score 0. Raises NliError for a model without an embedding table.

    >>> import torch
    >>> from transformers import BertConfig, BertForSequenceClassification
    >>> sizes = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=9)
    >>> model = BertForSequenceClassification(BertConfig(**sizes, intermediate_size=8)).eval()
    >>> batch = {"input_ids": torch.tensor([[1, 2, 3]])}
    >>> scores = integrated_gradients(model, batch, 1, steps=5, create_graph=True)
    >>> scores.shape
    torch.Size([1, 3])
    >>> scores.var().backward()
    """
    classifier = as_classifier(model)
    ids: Tensor = inputs["input_ids"]
    features = {n: each for n, each in inputs.items() if n not in ("input_ids", "labels")}
    features.setdefault("attention_mask", torch.ones_like(ids))
    with torch.enable_grad():
        embedded = classifier.embeddings(ids)
    start = torch.zeros_like(embedded) if baseline is None else baseline.expand_as(embedded)
    classes = torch.as_tensor(target, device=ids.device).expand(len(ids))
    path = kernel.Path(embedded if create_graph else embedded.detach(), start, features, classes)
    with kernel.twice_differentiable(model):
        (scores,) = kernel.integrated_gradients(
            classifier.logits,
            path,
            nodes(rule, steps),
            mode="exact" if create_graph else "none",
            chunk_tokens=pass_tokens(classifier.device),
        )
    return scores * features["attention_mask"]
