"""Counterfactual partners as tensors: aligned tokens, edited words, and updates that hold both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nliexplorer.data.counterfactuals import NO_PARTNER, align, find_partners
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier
from nliexplorer.modeling.tokenizing import EncodedPairs, token_spans
from nliexplorer.records import Example
from nliexplorer.training.dataset import WINDOW, LengthGrouped

#: In place of a token's counterpart where the partner has none: the edit deletes the token.
DELETED = -1


@dataclass(frozen=True, slots=True)
class Partners:
    """Who is whose counterfactual: `rows` [n], NO_PARTNER for none, and `ids`, flat as the encoded
    ids are, the partner's token that each token is matched to or replaced by, else DELETED.

    A pair without a partner is aligned with itself.
    """

    rows: NDArray[np.int64]
    ids: NDArray[np.int32]

    @property
    def known(self) -> NDArray[np.bool_]:
        """[n] which pairs have a partner."""
        return self.rows != NO_PARTNER


def partners_of(
    examples: Sequence[Example], encoded: EncodedPairs, revised_from: int = 0
) -> Partners:
    """The partners among a training set; see `find_partners`. Raises NliError where there are none.

    Tokens are aligned by edit distance, so that a word in another place stands against itself.
    """
    rows = find_partners(examples, revised_from)
    if not (rows != NO_PARTNER).any():
        raise NliError(
            "counterfactual pairs are asked for, and no two training pairs differ by a few words "
            "of one sentence and in their label",
            "add such pairs: --augment cad, or planted?revised=1 for the built-in corpus",
        )
    ids = encoded.ids.copy()
    for row in np.flatnonzero(rows != NO_PARTNER):
        own, other = (encoded.ids[encoded.slice(int(at))] for at in (row, rows[row]))
        aligned = align(own.tolist(), other.tolist())
        ids[encoded.slice(int(row))] = [DELETED if at is None else other[at] for at in aligned]
    return Partners(rows, ids)


def edited_words(
    classifier: Classifier, examples: Sequence[Example], encoded: EncodedPairs, partners: Partners
) -> NDArray[np.bool_]:
    """Flat marks of the words that differ from the partner's: a rationale made from data.

    The words that decide are those whose change changes the label (the counterfactual edits of
    Kaushik et al. 2020 as rationales). A word is marked whole where one of its pieces differs;
    where the partner only adds words, nothing is marked.
    """
    marks = np.zeros(len(encoded.ids), dtype=bool)
    edited = encoded.ids != partners.ids
    rows = np.flatnonzero(partners.known).tolist()
    texts = [(examples[row].premise, examples[row].hypothesis) for row in rows]
    spans = token_spans(classifier.tokenizer, texts, classifier.max_length)
    for row, words in zip(rows, spans, strict=True):
        place = encoded.slice(row)
        changed = {
            word for word, edit in zip(words, edited[place], strict=True) if edit and word[1] >= 0
        }
        marks[place] = [word in changed for word in words]
    return marks


class PartnersTogether(LengthGrouped):
    """As `LengthGrouped`, but counterfactual pairs come as couples into the same update.

    Each epoch's order depends on seed, epoch and pairs an update alone, as ever. An update must
    hold an even number of pairs.
    """

    def __init__(
        self,
        partners: Partners,
        labels: NDArray[np.int64],
        lengths: NDArray[np.int64] | None,
        update: int,
        seed: int,
    ):
        super().__init__(len(labels), lengths, update, seed)
        if update % 2:
            raise NliError(
                f"an update of {update} pairs cannot hold whole couples", "use an even --batch-size"
            )
        self.units = couples(partners.rows, labels)

    def __iter__(self) -> Iterator[int]:
        draw = np.random.default_rng((self.seed, self.epoch))
        order = [self.units[number] for number in draw.permutation(len(self.units))]
        if self.lengths is not None:
            longest = {unit: int(self.lengths[list(unit)].max()) for unit in order}
            size = WINDOW * self.update
            order = [
                unit
                for start in range(0, len(order), size)
                for unit in sorted(order[start : start + size], key=longest.__getitem__)
            ]
        rows = _in_twos(order)
        batches = [rows[start : start + self.update] for start in range(0, len(rows), self.update)]
        short = [batches.pop()] if len(batches[-1]) < self.update else []  # it stays last
        mixed = [batches[number] for number in draw.permutation(len(batches))]
        return iter([row for batch in (*mixed, *short) for row in batch])


def couples(partners: NDArray[np.int64], labels: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Every row once: pairs of rows of one family with two labels, partners first; others alone.

    A family is who is linked by partnership, so that all revisions of one pair belong to it.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(partners)
    known = np.flatnonzero(partners != NO_PARTNER)
    links = coo_array((np.ones(len(known)), (known, partners[known])), shape=(size, size))
    family = connected_components(links, directed=False)[1]
    members: dict[int, list[int]] = {}
    for row, number in enumerate(family.tolist()):
        members.setdefault(number, []).append(row)
    units: list[tuple[int, ...]] = []
    for rows in members.values():
        left = list(rows)
        while left:
            row = left.pop(0)
            others = [other for other in left if labels[other] != labels[row]]
            if not others:
                units.append((row,))
                continue
            linked = [o for o in others if partners[row] == o or partners[o] == row]
            partner = (linked or others)[0]
            left.remove(partner)
            units.append((row, partner))
    return units


def _in_twos(units: Iterable[tuple[int, ...]]) -> list[int]:
    """The rows in order, but a single one waits for the next: so no even update parts a couple."""
    rows: list[int] = []
    single: tuple[int, ...] = ()
    for unit in units:
        if len(unit) == 2:
            rows += unit
        elif single:
            rows += [*single, *unit]
            single = ()
        else:
            single = unit
    return [*rows, *single]
