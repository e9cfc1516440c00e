"""Detects how a model takes its input: which features, which padding, ids or embeddings only.

A pair's logits and attributions must not depend on the pairs beside it in a batch. Two pairs of
different length are therefore tried alone and together when a model is loaded.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nliexplorer.errors import NliError
from nliexplorer.modeling.batching import collate
from nliexplorer.modeling.tokenizing import EncodedPairs, Padding

PROBES = (
    ("A dog runs.", "It moves."),
    ("Two people sit near a small dog in the street, and nobody reads.", "A man is asleep here."),
)
#: Largest difference between a pair alone and in a batch, as a part of the largest value.
TOLERANCE = 2e-3
#: Families that only ask whether two tokens are of one type, whatever its number.
_RELATIVE_SEGMENTS = ("xlnet", "funnel")
#: What a model may raise where it cannot take its input in some form.
_UNABLE = (NotImplementedError, ValueError, TypeError, AttributeError, RuntimeError, IndexError)


@dataclass(frozen=True, slots=True)
class InputTraits:
    """How one model takes its batches."""

    token_types: bool = True  # pass token_type_ids, where the tokenizer makes them
    padding: Padding = "right"
    ids_on_path: bool = False  # embeddings replace the table's rows; the ids are passed as well


#: A batch's features -> logits [B, 3].
Forward = Callable[..., Tensor]


def takes_token_types(model: Any, tokenizer: Any) -> bool:
    """Whether the tokenizer's token types are ones that the model has rows for."""
    if "token_type_ids" not in tokenizer.model_input_names:
        return False
    if "token_type_ids" not in inspect.signature(model.forward).parameters:
        return False
    if model.config.model_type in _RELATIVE_SEGMENTS:
        return True
    types = tokenizer("a", "b", return_token_type_ids=True)["token_type_ids"]
    return int(getattr(model.config, "type_vocab_size", 0) or 0) > max(types)


def longest_input(model: Any, tokenizer: Any) -> int:
    """Tokens that the position table, past its padding row, and the tokenizer allow."""
    limits = [tokenizer.model_max_length]
    positions = getattr(model.config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:  # XLNet says -1: no limit
        limits.append(positions)
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Embedding) and name.endswith("position_embeddings"):
            # RoBERTa and its relatives number positions from the padding row on
            offset = 0 if module.padding_idx is None else module.padding_idx + 1
            limits.append(module.num_embeddings - offset)
    return int(min(limits))


def set_padding_token(model: Any, tokenizer: Any, spec: str) -> None:
    """A padding token for tokenizer and model; end of text where the checkpoint names none."""
    if tokenizer.pad_token is None:
        stand_in = tokenizer.eos_token or tokenizer.unk_token
        if stand_in is None:
            raise NliError(
                f"{spec} has no padding token and no end-of-text token to use in its place",
                'name one in its tokenizer_config.json, such as "pad_token": "<pad>"',
            )
        tokenizer.pad_token = stand_in
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id


def detect_input_traits(
    forward: Forward,
    embeddings: Callable[[Tensor], Tensor],
    encoded: EncodedPairs,
    device: torch.device,
    sides: Sequence[Padding],
    name: str,
) -> InputTraits:
    """The first way of padding and of passing embeddings by which batch equals alone.

    `encoded` holds one short and one long pair; `sides` are tried in order, and `none` stands for
    all that fail. Raises NliError where the model cannot run at all, or not on its own embeddings.
    """
    trial = _Trial(forward, embeddings, encoded, device)
    try:
        singly = [trial.by_ids([row]) for row in range(len(encoded))]
    except _UNABLE as error:
        raise NliError(
            f"{name} cannot run a pair of sentences: {_first_line(error)}",
            "choose another checkpoint, or fix its config.json",
        ) from None
    by_ids = torch.cat(singly)
    ways: dict[bool, list[tuple[Tensor, Tensor]]] = {}
    for with_ids in (False, True):
        answers = [trial.by_embeddings([row], with_ids, "right") for row in range(len(encoded))]
        whole = [each for each in answers if each is not None]
        if len(whole) == len(answers) and _same(torch.cat([each[0] for each in whole]), by_ids):
            ways[with_ids] = whole
    if not ways:
        raise NliError(
            f"{name} cannot be explained: it gives different logits for its own word embeddings",
            "choose a checkpoint of another family, such as BERT or DeBERTa",
        )
    everything = list(range(len(encoded)))
    for side in sides if len(set(encoded.lengths.tolist())) > 1 else sides[:1]:
        if not _same(trial.by_ids(everything, side), by_ids):
            continue
        for with_ids, own in ways.items():
            together = trial.by_embeddings(everything, with_ids, side)
            if together is None or not _same(together[0], by_ids):
                continue
            if _same(together[1], torch.cat([gradients for _, gradients in own])):
                return InputTraits(encoded.has_types, side, with_ids)
    return InputTraits(encoded.has_types, "none", next(iter(ways)))


class _Trial:
    """Logits and attributions of the trial pairs, alone or padded together."""

    def __init__(
        self,
        forward: Forward,
        embeddings: Callable[[Tensor], Tensor],
        encoded: EncodedPairs,
        device: torch.device,
    ) -> None:
        self.forward, self.embeddings = forward, embeddings
        self.encoded, self.device = encoded, device

    @torch.no_grad()
    def by_ids(self, rows: list[int], side: Padding = "right") -> Tensor:
        batch = collate(self.encoded, rows, side=side).to(self.device)
        return self.forward(input_ids=batch.input_ids, **batch.features).float()

    def by_embeddings(
        self, rows: list[int], with_ids: bool, side: Padding
    ) -> tuple[Tensor, Tensor] | None:
        """(logits, gradients at the rows' own tokens, flat); None: it cannot.

        Gradients, not scores: those are all zero where the size of embeddings does not matter.
        """
        batch = collate(self.encoded, rows, side=side).to(self.device)
        point = self.embeddings(batch.input_ids).detach().requires_grad_()
        ids = {"input_ids": batch.input_ids} if with_ids else {}
        try:
            with torch.enable_grad():
                logits = self.forward(inputs_embeds=point, **ids, **batch.features).float()
                (gradient,) = torch.autograd.grad(logits[:, 0].sum(), point)
        except _UNABLE:
            return None
        own = [
            gradient[line, batch.place(self.encoded.length(row))] for line, row in enumerate(rows)
        ]
        return logits.detach(), torch.cat(own)


def _same(left: Tensor, right: Tensor) -> bool:
    if not (left.isfinite().all() and right.isfinite().all()):
        return True  # evaluation reports a broken model, not the padding trial
    return bool((left - right).abs().max() <= TOLERANCE * right.abs().max())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
