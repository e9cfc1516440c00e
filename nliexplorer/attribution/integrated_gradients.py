"""Integrated Gradients (Sundararajan et al. 2017) that can itself be differentiated.

One kernel serves the penalty and the heatmaps, so that what is shown is what was penalised. Score
of token t: sum over d of (e - e0)[t, d] * sum over k of w_k dF/de[t, d] at e0 + a_k (e - e0), where
F is the target's logit and e the word embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import pad

from nliexplorer.attribution.quadrature import Nodes
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.modeling.activations import lean_gelu
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.load import Classifier

#: `exact` keeps the graph of the path's gradients (double backward); `embedding` detaches them, as
#: the published code did, so that only the factor (e - e0) carries gradient; `none` keeps nothing.
GradientMode = Literal["exact", "embedding", "none"]
BASELINES = ("zero", "mask", "pad")
Forward = Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class Path:
    """The straight path from baseline to input of a batch; `inputs`, `baseline` are [B, T, D].

    With `moving` [B, T] the other tokens stand still at their input: they score 0, and the scores
    of those that move sum to what these add to the logit.
    """

    inputs: Tensor
    baseline: Tensor
    features: dict[str, Tensor]  # attention_mask; token_type_ids and ids where the model wants them
    target: Tensor  # [B], label in LABELS' order
    moving: Tensor | None = None

    @property
    def start(self) -> Tensor:
        """Where the path starts [B, T, D]."""
        if self.moving is None:
            return self.baseline
        return torch.where(self.moving[..., None], self.baseline, self.inputs)

    @property
    def difference(self) -> Tensor:
        return self.inputs - self.start


def embedding_path(
    classifier: Classifier,
    batch: Batch,
    target: Tensor,
    baseline: str = "zero",
    token_types: bool = True,
) -> Path:
    """The path of `batch` in word-embedding space.

    `zero` replaces every embedding, specials too, as the paper does; `mask` and `pad` put that
    token's embedding where words are and keep the specials. The baseline is a point of reference:
    no gradient flows into it.
    """
    features = dict(batch.features)
    if not token_types:
        features.pop("token_type_ids", None)
    if classifier.traits.ids_on_path:
        features["input_ids"] = batch.input_ids
    inputs = classifier.embeddings(batch.input_ids)
    return Path(inputs, _baseline(classifier, batch, inputs, baseline), features, target)


def _baseline(classifier: Classifier, batch: Batch, inputs: Tensor, kind: str) -> Tensor:
    if kind == "zero":
        return torch.zeros_like(inputs)
    if kind not in BASELINES:
        raise unknown_name("baseline", kind, BASELINES)
    token = getattr(classifier.tokenizer, f"{kind}_token_id")
    if token is None:
        raise NliError(f"{classifier.name} has no [{kind.upper()}] token", "use --baseline zero")
    filled = torch.where(batch.words, torch.full_like(batch.input_ids, token), batch.input_ids)
    return classifier.embeddings(filled).detach()


def integrated_gradients(
    forward: Forward,
    path: Path,
    nodes: Nodes,
    *,
    mode: GradientMode = "none",
    samples: int = 1,
    chunk_tokens: int = 1024,
) -> Tensor:
    """Attribution scores [samples, B, T].

    `nodes` holds `samples` rules of equal size one after the other; each yields its own scores.
    Rows (pair times node) go through the model at most `chunk_tokens` tokens at a time; with
    `exact` all chunks' graphs live until the backward pass.
    """
    pairs, width, _ = path.inputs.shape
    pieces = list(score_chunks(forward, path, nodes, mode, samples, chunk_tokens))
    scores = path.inputs.new_zeros(samples * pairs, width)
    for slots, values in pieces:
        scores = scores.index_add(0, slots, values.to(scores.dtype))
    return scores.view(samples, pairs, width)


def score_chunks(
    forward: Forward,
    path: Path,
    nodes: Nodes,
    mode: GradientMode,
    samples: int,
    chunk_tokens: int,
) -> Iterator[tuple[Tensor, Tensor]]:
    """(slot of each row, its weighted share of that slot's scores), chunk by chunk.

    Slot s * B + b belongs to pair b in sample s. Scores are sums over rows, so a caller short of
    memory may send each chunk's gradient back before it asks for the next. A chunk holds all nodes
    of few pairs of like length and is as wide as the longest of them: padding, whose scores are
    exactly zero, costs nothing; rows of weight zero are left out.
    """
    pairs, width, _ = path.inputs.shape
    device, dtype = path.inputs.device, path.inputs.dtype
    positions = _per_pair(nodes.positions, pairs).to(device, dtype)
    weights = _per_pair(nodes.weights, pairs).to(device, dtype)
    group = len(nodes) // samples
    takes_part = weights.view(len(nodes), pairs) != 0
    mask = path.features["attention_mask"]
    left = bool((mask[:, 0] == 0).any())
    for rows, longest in _chunks(mask, takes_part, chunk_tokens):
        pair, node = rows // len(nodes), rows % len(nodes)
        at = node * pairs + pair
        part = _cut(path, longest, left)
        difference = part.difference[pair]
        gradient = _path_gradient(forward, part, pair, positions[at], difference, mode)
        values = (gradient * difference).sum(-1) * weights[at, None]
        yield (
            (node // group) * pairs + pair,
            pad(values, (width - longest, 0) if left else (0, width - longest)),
        )


def _chunks(mask: Tensor, takes_part: Tensor, tokens: int) -> Iterator[tuple[Tensor, int]]:
    """(rows pair * K + node, their longest pair's tokens), the longest pairs first.

    `kept` [K, B] says which nodes of which pairs take part.
    """
    nodes = len(takes_part)
    lengths, order = mask.sum(1).sort(descending=True, stable=True)
    rows = (order[:, None] * nodes + torch.arange(nodes, device=mask.device)).flatten()
    taken = takes_part.T[order].flatten()
    rows, of_row = rows[taken], lengths.repeat_interleave(nodes)[taken].tolist()
    start = 0
    while start < len(rows):
        size = max(1, tokens // of_row[start])
        yield rows[start : start + size], of_row[start]
        start += size


def _cut(path: Path, width: int, left: bool) -> Path:
    """The path without what is padding in every row, which stands on the left or right."""
    if width == path.inputs.shape[1]:
        return path
    columns = slice(-width, None) if left else slice(width)
    return replace(
        path,
        inputs=path.inputs[:, columns],
        baseline=path.baseline[:, columns],
        features={name: value[:, columns] for name, value in path.features.items()},
        moving=None if path.moving is None else path.moving[:, columns],
    )


def _per_pair(values: Tensor, pairs: int) -> Tensor:
    """[K] or [K, B] to one value per row, node-major."""
    return (values if values.dim() == 2 else values[:, None].expand(-1, pairs)).reshape(-1)


def _path_gradient(
    forward: Forward,
    path: Path,
    pair: Tensor,
    positions: Tensor,
    difference: Tensor,
    mode: GradientMode,
) -> Tensor:
    """dF_target/de [rows, T, D] at the given positions of the given pairs."""
    with torch.enable_grad():
        point = path.start[pair] + positions[:, None, None] * difference
        if mode != "exact":
            point = point.detach()
        if not point.requires_grad:
            point.requires_grad_()
        features = {name: value[pair] for name, value in path.features.items()}
        logits = forward(inputs_embeds=point, **features)
        of_target = logits.gather(1, path.target[pair, None]).sum()
        (gradient,) = torch.autograd.grad(of_target, point, create_graph=mode == "exact")
    return gradient


@contextmanager
def twice_differentiable(model: Any) -> Iterator[None]:
    """Within this, graphs of the model's passes have second derivatives, and cheap ones: fused
    attention kernels have none (PyTorch #116350)."""
    with lean_gelu(model), sdpa_kernel(SDPBackend.MATH):
        yield


@torch.no_grad()
def endpoint_difference(forward: Forward, path: Path, chunk_tokens: int = 1 << 40) -> Tensor:
    """F(input) - F(baseline) of each pair [B], logits: what the scores of a pair should sum to."""
    pairs, width, _ = path.inputs.shape
    size = max(1, chunk_tokens // width)
    rises = []
    for part in (slice(start, start + size) for start in range(0, pairs, size)):
        features = {name: value[part] for name, value in path.features.items()}
        top, low = (
            forward(inputs_embeds=end[part], **features) for end in (path.inputs, path.start)
        )
        rises.append((top - low).float().gather(1, path.target[part, None])[:, 0])
    return torch.cat(rises)
