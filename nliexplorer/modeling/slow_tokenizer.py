"""Pairs through tokenizers written in Python, which give no character offsets.

Where a piece's text is found in the sentence, in order, that is its span; a piece that the
tokenizer has changed beyond that (unknown, normalised) has what lies between its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: What pieces begin or end with that is not in the text.
_PREFIXES, _SUFFIXES = ("##", "▁", "Ġ"), ("</w>", "@@")


@dataclass
class SlowEncoding:
    """The part of `tokenizers.Encoding` that is used here."""

    ids: list[int]
    type_ids: list[int]
    sequence_ids: list[int | None]
    tokens: list[str]
    offsets: list[tuple[int, int]]
    overflowing: list[int] = field(default_factory=list)  # ids that were cut off


def encode_slowly(tokenizer: Any, pair: tuple[str, str], max_length: int) -> SlowEncoding:
    """One pair, truncated `longest_first`."""
    first, second = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in pair)
    room = max(0, max_length - tokenizer.num_special_tokens_to_add(pair=True))
    cut: list[int] = []
    while len(first) + len(second) > room:
        cut.append((first if len(first) > len(second) else second).pop())
    ids = tokenizer.build_inputs_with_special_tokens(first, second)
    types = tokenizer.create_token_type_ids_from_sequences(first, second)
    special = tokenizer.get_special_tokens_mask(first, second)
    sequence_ids: list[int | None] = []
    for is_special in special:
        before = sum(each is not None for each in sequence_ids)
        sequence_ids.append(None if is_special else int(before >= len(first)))
    tokens = tokenizer.convert_ids_to_tokens(ids)
    spans = [iter(_spans(pair[number], tokens, sequence_ids, number)) for number in range(2)]
    offsets = [(0, 0) if each is None else next(spans[each]) for each in sequence_ids]
    return SlowEncoding(ids, types, sequence_ids, tokens, offsets, cut)


def _spans(
    text: str, tokens: list[str], sequence_ids: list[int | None], number: int
) -> list[tuple[int, int]]:
    """Spans of the pieces of one sentence."""
    lowered, at = text.lower(), 0
    if len(lowered) != len(text):  # a few capitals become two characters
        lowered = text
    spans: list[tuple[int, int]] = []
    missing = False  # the piece before was not found: what lies between is its own
    for token, sequence in zip(tokens, sequence_ids, strict=True):
        if sequence != number:
            continue
        piece = _bare(token).lower()
        start = lowered.find(piece, at) if piece else -1
        if start < 0 or (lowered[at:start].strip() and not missing):
            spans.append((at, at))
            missing = True
            continue
        if missing:
            spans[-1] = (spans[-1][0], start)
        at, missing = start + len(piece), False
        spans.append((start, at))
    if missing:
        spans[-1] = (at, len(text))
    return spans


def _bare(token: str) -> str:
    for prefix in _PREFIXES:
        token = token.removeprefix(prefix)
    for suffix in _SUFFIXES:
        token = token.removesuffix(suffix)
    return token
