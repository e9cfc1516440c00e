"""ELECTRA-small's configuration with random weights, and pairs of SNLI's lengths: no download."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from transformers import ElectraConfig, ElectraForSequenceClassification

from nliexplorer.attribution.baseline import KEPT
from nliexplorer.modeling.checkpoints import attention
from nliexplorer.modeling.devices import resolve_device
from nliexplorer.modeling.heads import write_label_names
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import EncodedPairs
from nliexplorer.training.dataset import LabelledPairs

#: Word pieces of the SNLI dev pairs, specials included: every twentieth of the distribution.
SNLI_LENGTHS = (9, 17, 18, 20, 21, 22, 22, 23, 24, 25, 26, 27, 28, 29, 31, 32, 34, 35, 38, 42, 113)

CPU = torch.device("cpu")


class IdTokenizer:
    """Stands in for a tokenizer where ids are all there is."""

    unk_token_id = 100

    def __call__(self, *_: Any, **__: Any) -> dict[str, list[int]]:
        return {"input_ids": [100]}


@cache
def electra_small(device: str = "cpu", small: bool = False) -> Classifier:
    """The same weights on every device; `small` is a toy of the same build, for rehearsals."""
    torch.manual_seed(0)
    config = ElectraConfig(
        embedding_size=16 if small else 128,
        hidden_size=32 if small else 256,
        num_hidden_layers=2 if small else 12,
        num_attention_heads=4,
        intermediate_size=64 if small else 1024,
        attn_implementation=attention(),
    )
    write_label_names(config)
    setattr(config, KEPT, "zero")  # else it would be measured on words, and there are only ids
    model = ElectraForSequenceClassification(config).eval()
    return on_device(Classifier(model, IdTokenizer(), "electra", (0, 1, 2), 128, CPU), device)


def on_device(classifier: Classifier, device: str) -> Classifier:
    """A copy of the classifier on `device`."""
    where = resolve_device(device)
    return replace(classifier, model=copy.deepcopy(classifier.model).to(where), device=where)


@cache
def snli_like(pairs: int, seed: int = 0) -> LabelledPairs:
    """Random ids in pairs whose lengths follow SNLI's; two fifths of a pair are hypothesis."""
    draw = np.random.default_rng(seed)
    at = np.linspace(0, 1, len(SNLI_LENGTHS))
    lengths = np.interp(draw.uniform(size=pairs), at, SNLI_LENGTHS).round().astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = draw.integers(1000, 30_000, offsets[-1]).astype(np.int32)
    types, segments = np.zeros_like(ids, np.uint8), np.ones_like(ids, np.uint8)
    for start, end in pairwise(offsets):
        middle = end - (end - start) * 2 // 5
        types[middle:end], segments[middle:end] = 1, 2
        segments[[start, middle - 1, end - 1]] = 0
    encoded = EncodedPairs(ids, types, segments, offsets, np.zeros(pairs, bool), 0, True)
    return LabelledPairs(encoded, draw.integers(0, 3, pairs))
