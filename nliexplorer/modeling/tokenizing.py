"""Pairs to token ids, kept flat so that half a million pairs fit in some tens of megabytes.

Truncation is `longest_first`: tokens come off the end of the longer sentence until the pair fits;
which pairs were cut is kept with the encoding.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nliexplorer.modeling.slow_tokenizer import encode_slowly
from nliexplorer.records import Segment
from nliexplorer.wording import fine_word_spans, word_spans

Pair = tuple[str, str]
#: The side that padding goes to; `none`: only pairs of equal length share a batch.
Padding = Literal["right", "left", "none"]
SPECIAL, PREMISE, HYPOTHESIS = range(3)
_CODES = {None: SPECIAL, 0: PREMISE, 1: HYPOTHESIS}
_CHUNK = 2048  # pairs handed to the tokenizer at once


@dataclass(frozen=True, slots=True)
class EncodedPairs:
    """`n` pairs as one flat run of tokens; row i is `[offsets[i], offsets[i + 1])`."""

    ids: NDArray[np.int32]
    types: NDArray[np.uint8]
    segments: NDArray[np.uint8]  # SPECIAL, PREMISE or HYPOTHESIS; all but the first are words
    offsets: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    pad_id: int
    has_types: bool  # whether the model takes token_type_ids
    padding: Padding = "right"

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each pair, specials included."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> NDArray[np.int64]:
        """The pair that each token belongs to, flat as the ids are."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def length(self, row: int) -> int:
        return int(self.offsets[row + 1] - self.offsets[row])

    def slice(self, row: int) -> slice:
        return slice(int(self.offsets[row]), int(self.offsets[row + 1]))


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """What a picture needs of one pair's tokens, in the words of `records.Attribution`."""

    tokens: tuple[str, ...]
    segments: tuple[Segment, ...]
    word_ids: tuple[int | None, ...]
    spans: tuple[tuple[int, int], ...]


def encode_pairs(tokenizer: Any, pairs: Iterable[Pair], max_length: int) -> EncodedPairs:
    """Tokenise premise/hypothesis pairs; see the module for the truncation rule."""
    ids: list[NDArray[np.int32]] = []
    types: list[NDArray[np.uint8]] = []
    segments: list[NDArray[np.uint8]] = []
    lengths: list[int] = [0]
    truncated: list[bool] = []
    for encoding in _encodings(tokenizer, pairs, max_length):
        ids.append(np.asarray(encoding.ids, dtype=np.int32))
        types.append(np.asarray(encoding.type_ids, dtype=np.uint8))
        segments.append(np.asarray([_CODES[s] for s in encoding.sequence_ids], dtype=np.uint8))
        lengths.append(len(encoding.ids))
        truncated.append(bool(encoding.overflowing))
    return EncodedPairs(
        np.concatenate(ids) if ids else np.zeros(0, np.int32),
        np.concatenate(types) if types else np.zeros(0, np.uint8),
        np.concatenate(segments) if segments else np.zeros(0, np.uint8),
        np.cumsum(lengths, dtype=np.int64),
        np.asarray(truncated, dtype=bool),
        int(tokenizer.pad_token_id or 0),
        "token_type_ids" in tokenizer.model_input_names,
    )


def layout(tokenizer: Any, premise: str, hypothesis: str, max_length: int) -> TokenLayout:
    """Tokens of one pair with their segment, word and character span."""
    (encoding,) = _encodings(tokenizer, [(premise, hypothesis)], max_length)
    names: dict[int | None, Segment] = {None: "special", 0: "premise", 1: "hypothesis"}
    texts = (premise, hypothesis)
    ends = [[end for _, end in fine_word_spans(text)] for text in texts]
    spans: list[tuple[int, int]] = []
    word_ids: list[int | None] = []
    for sequence, (start, end) in zip(encoding.sequence_ids, encoding.offsets, strict=True):
        span = (int(start), int(end)) if sequence is None else _trimmed(texts[sequence], start, end)
        spans.append(span)
        word_ids.append(None if sequence is None else word_at(ends[sequence], span[0]))
    return TokenLayout(
        tuple(encoding.tokens),
        tuple(names[sequence] for sequence in encoding.sequence_ids),
        tuple(word_ids),
        tuple(spans),
    )


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the space that byte-level and SentencePiece pieces begin with.

    A piece of space alone stands at the beginning of the next word.
    """
    while start < len(text) and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, max(start, end)


def word_at(ends: Sequence[int], start: int) -> int:
    """Number of the word that holds the character at `start`, or the next one behind it."""
    return min(bisect_right(ends, start), max(0, len(ends) - 1))


def token_spans(
    tokenizer: Any, pairs: Sequence[Pair], max_length: int
) -> Iterator[list[tuple[int | None, int]]]:
    """For each pair, each token's (0 premise, 1 hypothesis, None special; whitespace word)."""
    for pair, encoding in zip(pairs, _encodings(tokenizer, pairs, max_length), strict=True):
        ends = [[end for _, end in word_spans(text)] for text in pair]
        yield [
            (
                sequence,
                -1
                if sequence is None
                else word_at(ends[sequence], _trimmed(pair[sequence], start, end)[0]),
            )
            for sequence, (start, end) in zip(encoding.sequence_ids, encoding.offsets, strict=True)
        ]


def _encodings(tokenizer: Any, pairs: Iterable[Pair], max_length: int) -> Iterator[Any]:
    if not tokenizer.is_fast:
        yield from (encode_slowly(tokenizer, pair, max_length) for pair in pairs)
        return
    rest = iter(pairs)
    while chunk := list(islice(rest, _CHUNK)):
        premises, hypotheses = map(list, zip(*chunk, strict=True))
        yield from tokenizer(
            premises,
            hypotheses,
            truncation="longest_first",
            max_length=max_length,
            padding=False,
        ).encodings
