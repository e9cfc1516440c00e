"""Training pairs as tensors: tokenised once, batched by length, in an order fixed by the seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from nliexplorer.data.counterfactuals import NO_PARTNER
from nliexplorer.errors import NliError
from nliexplorer.modeling.batching import Batch, collate
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import EncodedPairs, token_spans
from nliexplorer.records import GOLD_NAMES, LABELS, Example

if TYPE_CHECKING:
    from nliexplorer.training.partners import Partners

WINDOW = 64  # batches that are sorted by length together: enough to pad little, yet shuffled


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """Tokenised pairs and their gold labels; `rationale` marks tokens, flat as the ids are.

    `labels` are as in records until `training_pairs` numbers them as the model's classes. `expert`
    [n, C] is what a debiasing expert says of each pair, in log-probabilities; `shares` [n, C] is
    what is trained on in place of the gold label: how many of a pair's annotators gave each label,
    the gold label alone where it has none; `annotated` counts those that have. `partners` says who
    is whose counterfactual; `weights` [n] multiply the losses; `groups` [n] are those of group DRO;
    `numbers` [n] are the rows' numbers in the training data, where not all of it is trained on.
    """

    encoded: EncodedPairs
    labels: NDArray[np.int64]
    rationale: NDArray[np.bool_] | None = None
    expert: NDArray[np.float32] | None = None
    shares: NDArray[np.float32] | None = None
    annotated: int = 0
    partners: Partners | None = None
    weights: NDArray[np.float32] | None = None
    groups: NDArray[np.int64] | None = None
    numbers: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)


def tokenise(
    classifier: Classifier, examples: Iterable[Example], with_rationale: bool = False
) -> LabelledPairs:
    """Read the examples once. With `with_rationale` at least one of them must carry one."""
    labels: list[int] = []
    marked: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def pairs() -> Iterator[tuple[str, str]]:
        for example in examples:
            labels.append(example.gold)
            if with_rationale:
                marked.append((example.premise_rationale, example.hypothesis_rationale))
            yield example.premise, example.hypothesis

    if not with_rationale:
        encoded = classifier.encode(pairs())
        return LabelledPairs(encoded, np.asarray(labels, dtype=np.int64))
    texts = list(pairs())
    if not any(premise or hypothesis for premise, hypothesis in marked):
        raise NliError(
            "the rationale penalty needs rationale words and these pairs have none",
            "use a source that has them (planted, e-SNLI) or another --penalty",
        )
    encoded = classifier.encode(texts)
    marks = np.zeros(len(encoded.ids), dtype=bool)
    for row, words in enumerate(token_spans(classifier.tokenizer, texts, classifier.max_length)):
        marks[encoded.slice(row)] = [
            segment is not None and word in marked[row][segment] for segment, word in words
        ]
    return LabelledPairs(encoded, np.asarray(labels, dtype=np.int64), marks)


def with_shares(
    pairs: LabelledPairs, shares: Sequence[tuple[float, ...] | None], classes: int = len(LABELS)
) -> LabelledPairs:
    """The pairs with their annotators' shares.

    Raises NliError where no pair has three of them, or the training is of two `classes`.
    """
    if classes != len(LABELS):
        raise NliError(
            "soft labels are trained on as distributions of three labels, and this data has two",
            "leave --soft-labels out",
        )
    known = [i for i, each in enumerate(shares) if each is not None and len(each) == len(LABELS)]
    if not known:
        raise NliError(
            "soft labels are asked for, and no training pair has several annotators",
            "use data with annotator labels or a label distribution, or leave --soft-labels out",
        )
    table = np.eye(len(LABELS), dtype=np.float32)[pairs.labels]
    table[known] = [shares[i] for i in known]
    return replace(pairs, shares=table, annotated=len(known))


def training_pairs(pairs: LabelledPairs, classifier: Classifier) -> LabelledPairs:
    """The pairs with labels as the classifier numbers its classes.

    Raises NliError where there are no pairs, or some of other classes.
    """
    if len(pairs) == 0:
        raise NliError("there are no training pairs", "check --data and --train-samples")
    classes = np.asarray(classifier.classes)
    strange = ~np.isin(pairs.labels, classes)
    if strange.any():
        raise NliError(
            f"{int(strange.sum())} training pairs are not labelled "
            f"{', '.join(GOLD_NAMES[label] for label in classes)}",
            "train on pairs of these labels, or load the model with as many outputs as the data "
            "has labels",
        )
    return replace(pairs, labels=np.searchsorted(classes, pairs.labels))


class TrainSet(Dataset[int]):
    """Row numbers; the collator does the rest in one go."""

    def __init__(self, pairs: LabelledPairs, pad_to: int = 0) -> None:
        self.pairs = pairs
        self.pad_to = pad_to

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, row: int) -> int:
        return row

    def collate(self, rows: Sequence[int]) -> dict[str, Tensor]:
        """One micro-batch as a dict, the shape that `transformers.Trainer` moves about."""
        batch = collate(self.pairs.encoded, rows, self.pad_to)
        numbers = self.pairs.numbers
        inputs = {
            "rows": torch.as_tensor(rows if numbers is None else numbers[list(rows)]),
            "labels": torch.from_numpy(self.pairs.labels[list(rows)]),
            "input_ids": batch.input_ids,
            "segments": batch.segments,
            **batch.features,
        }
        if self.pairs.rationale is not None:
            inputs["rationale"] = self._tokenwise(self.pairs.rationale, rows, batch, torch.bool)
        if self.pairs.partners is not None:
            partners = self.pairs.partners
            others = partners.rows[list(rows)]
            revised = np.where(others == NO_PARTNER, -1, self.pairs.labels[others])
            inputs["revised_labels"] = torch.from_numpy(revised)
            inputs["revised_ids"] = self._tokenwise(partners.ids, rows, batch, torch.long)
        for name in ("shares", "expert", "weights"):
            values: NDArray[np.float32] | None = getattr(self.pairs, name)
            if values is not None:
                inputs[name] = torch.from_numpy(values[list(rows)])
        return inputs

    def _tokenwise(
        self, values: NDArray[Any], rows: Sequence[int], batch: Batch, kind: torch.dtype
    ) -> Tensor:
        """One value a token, padded with 0 as the batch is: [B, T]."""
        padded = torch.zeros(batch.input_ids.shape, dtype=kind)
        for line, row in enumerate(rows):
            piece = torch.from_numpy(values[self.pairs.encoded.slice(row)])
            padded[line, batch.place(len(piece))] = piece.to(kind)
        return padded


class LengthGrouped(Sampler[int]):
    """Shuffled rows in which each update's pairs are of similar length.

    The order depends on seed, epoch and pairs an update alone, so that it is the same however the
    update is split over processes and accumulation steps. Without `lengths` it only shuffles.
    """

    def __init__(self, size: int, lengths: NDArray[np.int64] | None, update: int, seed: int):
        self.size, self.lengths, self.update, self.seed = size, lengths, update, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.size

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        draw = np.random.default_rng((self.seed, self.epoch))
        order = draw.permutation(self.size)
        if self.lengths is None:
            return iter(order.tolist())
        whole = self.size - self.size % self.update  # the short last batch stays last
        batches: list[NDArray[np.int64]] = []
        for start in range(0, whole, WINDOW * self.update):
            window = order[start : min(whole, start + WINDOW * self.update)]
            window = window[np.argsort(self.lengths[window], kind="stable")]
            batches.extend(window.reshape(-1, self.update))
        mixed = [draw.permutation(batches[number]) for number in draw.permutation(len(batches))]
        return iter(np.concatenate([*mixed, order[whole:]]).tolist())
