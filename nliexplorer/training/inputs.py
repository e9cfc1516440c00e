"""A batch of tensors, from any collator, as the penalty reads it: classes, words, sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from nliexplorer.errors import NliError
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import HYPOTHESIS, PREMISE, SPECIAL
from nliexplorer.training.penalties import Penalty, TokenView

#: Columns that the penalty reads and no model takes.
PENALTY_COLUMNS = ("segments", "special_tokens_mask", "rationale")


def batch_of(inputs: Mapping[str, Any], tokenizer: Any = None) -> Batch:
    """The tensors [B, T] as a Batch; `segments` are worked out where they are not among them."""
    ids: Tensor = inputs["input_ids"]
    mask = inputs.get("attention_mask")
    if mask is None:
        mask = torch.ones_like(ids)
    segments = inputs.get("segments")
    if segments is None:
        segments = _segments(ids, mask, inputs.get("special_tokens_mask"), tokenizer)
    return Batch(ids, mask, inputs.get("token_type_ids"), segments)


def _segments(ids: Tensor, mask: Tensor, special: Tensor | None, tokenizer: Any) -> Tensor:
    """First sentence, second sentence, or special, of each token: the second follows the first
    separator. Without a tokenizer every token that is not marked special is a word."""
    words = mask.bool()
    second = torch.zeros_like(words)
    if special is not None:
        words = words & ~special.bool()
    if tokenizer is not None:
        kept = {tokenizer.unk_token_id, tokenizer.mask_token_id}  # they stand for words
        ids_of_specials = [each for each in tokenizer.all_special_ids if each not in kept]
        words = words & ~torch.isin(ids, torch.tensor(ids_of_specials, device=ids.device))
        if tokenizer.sep_token_id is not None:
            second = (ids == tokenizer.sep_token_id).cumsum(1) > 0
    codes = torch.where(second, HYPOTHESIS, PREMISE)
    return torch.where(words, codes, SPECIAL)


def class_labels(inputs: Mapping[str, Any], classifier: Classifier) -> Tensor:
    """The class [B] whose logit is attributed; of a model with one output, that output."""
    if getattr(classifier.model.config, "num_labels", 2) == 1:
        return torch.zeros(len(inputs["input_ids"]), dtype=torch.long, device=classifier.device)
    labels = inputs.get("labels")
    if labels is None or labels.dim() != 1 or labels.is_floating_point():
        raise NliError(
            "the penalty needs one class per row, and these labels are not classes",
            "give a column 'label' of whole numbers",
        )
    return labels


def check_penalty_inputs(
    inputs: Mapping[str, Any], penalty: Penalty, classifier: Classifier
) -> None:
    """Refuse a batch that lacks what the penalty is a formula of."""
    if penalty.needs_rationale and inputs.get("rationale") is None:
        raise NliError(
            f"the {penalty.name} penalty needs rationales, and the data has no column 'rationale'",
            "give one mark a token and remove_unused_columns=False, or use another penalty",
            "penalties",
        )
    if "segments" in inputs:
        return
    if penalty.name == "hypothesis-share":
        batch = batch_of(inputs, classifier.tokenizer)
        if not (batch.segments == HYPOTHESIS).any():
            raise NliError(
                "the hypothesis-share penalty needs two sentences a row", "use another penalty"
            )


def token_view(
    batch: Batch,
    stopwords: Tensor,
    rationale: Tensor | None,
    everything: bool,
    rationale_target: float = 1.0,
) -> TokenView:
    """What a penalty may count: words, or every position with `everything`."""
    words = batch.words
    return TokenView(
        torch.ones_like(words) if everything else words,
        batch.segments == HYPOTHESIS,
        torch.isin(batch.input_ids, stopwords) & words,
        torch.zeros_like(words) if rationale is None else rationale.bool(),
        rationale_target,
    )
