"""A model of ELECTRA-small's configuration trained without its weights, for the estimators' table.

    python -m tests.bench.electra CONFIG_AND_TOKENIZER OUT

400 updates of 32 pairs of the built-in corpus, ten minutes on one core. From its usual
initialisation the configuration learns nothing in that time. Here the last ten layers start as the
identity, and the first two compare the sentences word by word, as the tiny model's do.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoTokenizer, ElectraForSequenceClassification

from nliexplorer.data.sources import load_split
from nliexplorer.modeling.heads import write_label_names
from nliexplorer.records import Example

UPDATES, BATCH, RATE, WARM_UP = 400, 32, 1e-3, 0.06


def main(source: str, folder: str) -> None:
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(source)
    config = AutoConfig.from_pretrained(source)
    write_label_names(config, (0, 1, 2))
    model = ElectraForSequenceClassification(config)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    compare_sentences(model)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, betas=(0.9, 0.98), weight_decay=0.01)
    rows, draw = list(load_split("planted", "train")), random.Random(0)
    order: list[Example] = []
    for update in range(UPDATES):
        order = order if len(order) >= BATCH else draw.sample(rows, len(rows))
        batch, order = order[:BATCH], order[BATCH:]
        for group in optimizer.param_groups:
            start = min(1, (update + 1) / (WARM_UP * UPDATES))
            group["lr"] = RATE * start * (1 - update / UPDATES)
        texts = [pair.premise for pair in batch], [pair.hypothesis for pair in batch]
        inputs = tokenizer(*texts, padding=True, return_tensors="pt")
        loss = model(**inputs, labels=torch.tensor([pair.gold for pair in batch])).loss
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (update + 1) % 25 == 0:
            print(f"{update + 1}/{UPDATES} updates, loss {loss.item():.3f}", flush=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@torch.no_grad()
def compare_sentences(model: ElectraForSequenceClassification) -> None:
    """As `nliexplorer.modeling.tiny` has it: the first layer looks for each word's like in the
    other sentence. Layers from the third on add nothing yet."""
    electra: Any = model.electra  # torch types a module's attributes as Tensor | Module
    classifier: Any = model.classifier
    embeddings, project = electra.embeddings, electra.embeddings_project.weight
    width, hidden = model.config.embedding_size, model.config.hidden_size
    embeddings.word_embeddings.weight.normal_(std=0.2)
    embeddings.position_embeddings.weight.normal_(std=0.04)
    nn.init.orthogonal_(project)
    direction = nn.functional.normalize(torch.randn(width), dim=0)
    segment = 0.08 * width**0.5 * direction
    embeddings.token_type_embeddings.weight.copy_(torch.stack((segment, -segment)))
    across = nn.functional.normalize(project @ direction, dim=0)
    for number, layer in enumerate(electra.encoder.layer):
        attention, output = layer.attention, layer.output.dense.weight
        if number >= 2:
            attention.output.dense.weight.zero_()
            output.zero_()
            continue
        key = _orthogonal(hidden, 1.2 if number == 0 else 0.5)
        query = key - 2 * torch.outer(key @ across, across) if number == 0 else None
        attention.self.key.weight.copy_(key)
        attention.self.query.weight.copy_(_orthogonal(hidden, 0.2) if query is None else query)
        nn.init.orthogonal_(attention.self.value.weight, 0.7)
        nn.init.orthogonal_(attention.output.dense.weight, 0.7)
        layer.intermediate.dense.weight.normal_(std=0.06)
        output.normal_(std=0.06)
    classifier.dense.weight.normal_(std=0.06)
    classifier.out_proj.weight.normal_(std=0.06)


def _orthogonal(size: int, gain: float) -> Tensor:
    return nn.init.orthogonal_(torch.empty(size, size), gain)


if __name__ == "__main__":
    main(*sys.argv[1:])
