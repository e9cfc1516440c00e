"""Any three-way or two-way classifier: from the hub, a folder, the installed MiniLM, or scratch.

Weights are read from safetensors only and no code of a checkpoint is ever run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from nliexplorer.errors import NliError
from nliexplorer.modeling import checkpoints
from nliexplorer.modeling.devices import resolve_device
from nliexplorer.modeling.embedding_override import embeddings_in_place
from nliexplorer.modeling.first_token import first_token_only
from nliexplorer.modeling.heads import (
    LabelOrder,
    head_for_training,
    split_spec,
    trained_head,
    write_label_names,
)
from nliexplorer.modeling.inputs import (
    PROBES,
    InputTraits,
    detect_input_traits,
    longest_input,
    set_padding_token,
    takes_token_types,
)
from nliexplorer.modeling.tokenizing import (
    EncodedPairs,
    Padding,
    Pair,
    TokenLayout,
    encode_pairs,
    layout,
)
from nliexplorer.records import LABELS, classes_of


@dataclass(frozen=True, slots=True)
class Classifier:
    """A model with its tokenizer. `label_order[i]` is the model's output for `classes[i]`."""

    model: Any
    tokenizer: Any
    name: str
    label_order: LabelOrder
    max_length: int
    device: torch.device
    fresh_head: bool = False  # the head is random and has not been trained yet
    traits: InputTraits = field(default_factory=InputTraits)

    def logits(self, **features: Tensor) -> Tensor:
        """Logits [B, C] in the order of `classes` from `input_ids` or `inputs_embeds`.

        Of both, the embeddings count, and the ids serve to find the head's position.
        """
        lookup: AbstractContextManager[None] = nullcontext()
        if "input_ids" in features and "inputs_embeds" in features:
            embeddings = features.pop("inputs_embeds")
            lookup = embeddings_in_place(
                self.model, self.embeddings, features["input_ids"], embeddings
            )
        with first_token_only(self.model), lookup:
            return reorder(self.model(**features).logits, self.label_order)

    @property
    def classes(self) -> tuple[int, ...]:
        """The labels that the model tells apart: LABELS, or TWO_WAY of a two-way head."""
        return classes_of(self.label_order)

    def encode(self, pairs: Iterable[Pair]) -> EncodedPairs:
        """Token ids of the pairs, as this model takes them."""
        encoded = encode_pairs(self.tokenizer, pairs, self.max_length)
        return replace(
            encoded,
            has_types=encoded.has_types and self.traits.token_types,
            padding=self.traits.padding,
        )

    def layout(self, premise: str, hypothesis: str) -> TokenLayout:
        """Tokens of one pair with their segment, word and character span."""
        return layout(self.tokenizer, premise, hypothesis, self.max_length)

    @property
    def embeddings(self) -> nn.Embedding:
        """The word-embedding table."""
        return cast(nn.Embedding, self.model.get_input_embeddings())


def as_classifier(model: Any, tokenizer: Any = None) -> Classifier:
    """Any sequence classifier of transformers, with its own labels in their own order.

    Raises NliError where it has no embedding table to attribute to.
    """
    name = getattr(model.config, "name_or_path", "") or type(model).__name__
    checkpoints.check_model(model, name)
    table = model.get_input_embeddings()
    limit = getattr(model.config, "max_position_embeddings", None) or 512
    order = tuple(range(getattr(model.config, "num_labels", len(LABELS))))
    classifier = Classifier(model, tokenizer, name, order, int(limit), table.weight.device)
    return classifier if tokenizer is None else replace(classifier, traits=_traits(classifier))


def reorder(logits: Tensor, order: LabelOrder) -> Tensor:
    """Columns of the model's own logits put in the order of its labels."""
    return logits if order == tuple(range(logits.shape[1])) else logits[:, list(order)]


def load_classifier(
    spec: str,
    *,
    seed: int = 0,
    device: str = "auto",
    fresh_head: bool = False,
    outputs: int = len(LABELS),
    max_length: int = 128,
) -> Classifier:
    """Load `spec`: `tiny`, `minilm`, a local folder or a hub id, `?labels=…` behind it stating the
    order of outputs that have no names.

    With `fresh_head` a checkpoint without a usable head of `outputs` labels gets a random one (from
    `seed`, labels in the order of LABELS or TWO_WAY), which is reported; without it any trained
    head will do, and a checkpoint that has none is refused.
    """
    where = resolve_device(device)
    quiet_transformers()
    if spec == "tiny":
        if not fresh_head:
            raise NliError("'tiny' is untrained: it cannot predict", "name a trained run or folder")
        from nliexplorer.modeling.tiny import build_tiny

        order: LabelOrder = tuple(range(outputs))
        model, tokenizer = build_tiny(seed, order)
        fresh = True
    else:
        spec, stated = split_spec(spec)
        folder = checkpoints.locate(spec)
        config = checkpoints.read_config(folder, spec)
        checkpoints.refuse_too_large(folder, where, spec)
        known = (
            head_for_training(config, spec, stated, outputs=outputs)
            if fresh_head
            else trained_head(config, spec, stated)
        )
        tokenizer = checkpoints.read_tokenizer(folder, spec)
        fresh = known is None
        if known is None:
            order = tuple(range(outputs))
            model = checkpoints.with_fresh_head(folder, config, spec, seed, order)
        else:
            order = known
            model = checkpoints.with_own_head(folder, config, spec)
    checkpoints.check_model(model, spec)
    set_padding_token(model, tokenizer, spec)
    model.to(where).eval()
    limit = min(max_length, longest_input(model, tokenizer))
    classifier = Classifier(model, tokenizer, spec, order, limit, where, fresh)
    return replace(classifier, traits=_traits(classifier))


def _traits(classifier: Classifier) -> InputTraits:
    types = takes_token_types(classifier.model, classifier.tokenizer)
    trial = replace(classifier, traits=InputTraits(token_types=types))
    native: Padding = "left" if classifier.tokenizer.padding_side == "left" else "right"
    with frozen(trial):
        return detect_input_traits(
            trial.logits,
            trial.embeddings,
            trial.encode(PROBES),
            classifier.device,
            (native, "right" if native == "left" else "left"),
            classifier.name,
        )


@contextmanager
def frozen(classifier: Classifier) -> Iterator[None]:
    """Parameters without gradient and dropout off, both put back afterwards.

    Backward passes then stop at the embeddings: no weight gradients are computed.
    """
    parameters = list(classifier.model.parameters())
    before = [parameter.requires_grad for parameter in parameters]
    training = classifier.model.training
    classifier.model.eval().requires_grad_(False)
    try:
        yield
    finally:
        for parameter, trainable in zip(parameters, before, strict=True):
            parameter.requires_grad_(trainable)
        classifier.model.train(training)


def refuse_unpaddable(classifier: Classifier, batch_size: int) -> None:
    """Training pads its batches: refuse a model for which padding is not neutral."""
    if classifier.traits.padding == "none" and batch_size > 1:
        kind = classifier.model.config.model_type
        raise NliError(
            f"{classifier.name} ({kind}) gives different logits in a padded batch than on its own",
            "train it with --batch-size 1 (and --set accumulation=16), or another model",
        )


def save_classifier(classifier: Classifier, folder: Path) -> None:
    """Write model (safetensors) and tokenizer, for a later `load_classifier(folder)`."""
    make_contiguous(classifier.model)
    write_label_names(classifier.model.config, classifier.label_order)
    classifier.model.save_pretrained(folder, safe_serialization=True)
    classifier.tokenizer.save_pretrained(folder)


def make_contiguous(model: nn.Module) -> None:
    """ELECTRA's tied weights may be strided, which safetensors refuses (transformers #28293)."""
    for parameter in model.parameters():
        parameter.data = parameter.data.contiguous()


def quiet_transformers() -> None:
    """Silence its loading bars and warnings."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
