"""The masked-language-model head that a checkpoint still has, and the words it would put in place
of each word of a pair."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nliexplorer.modeling.load import Classifier, quiet_transformers
from nliexplorer.modeling.tokenizing import Pair
from nliexplorer.wording import is_unspaced, word_spans

#: Tokens that are looked at for each word: most are the word itself, or pieces of words.
_CANDIDATES = 12
#: Masked pairs in one pass.
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Substitute:
    """A pair with one word replaced; `word` and `other` are without punctuation."""

    segment: str  # premise or hypothesis
    word: str
    other: str
    premise: str
    hypothesis: str


@dataclass(frozen=True, slots=True)
class MaskedHead:
    """The head with its tokenizer; the classifier's weights below it."""

    model: Any
    classifier: Classifier

    def substitutes(self, premise: str, hypothesis: str, most: int = 3) -> list[Substitute]:
        """For each word, hypothesis first, up to `most` other words, likeliest first."""
        masked = list(_masked(premise, hypothesis, self.classifier.tokenizer.mask_token))
        made = []
        for first in range(0, len(masked), _BATCH):
            part = masked[first : first + _BATCH]
            ranked = self._ranked([each.pair for each in part])
            for each, tokens in zip(part, ranked, strict=True):
                others = [token for token in tokens if _fits(token, each.word)]
                made += [each.replaced(premise, hypothesis, other) for other in others[:most]]
        return made

    @torch.no_grad()
    def _ranked(self, pairs: Sequence[Pair]) -> list[list[str]]:
        """Words for the mask of each pair, likeliest first; none where it was cut off."""
        tokenizer, device = self.classifier.tokenizer, self.classifier.device
        encoded = tokenizer(
            [premise for premise, _ in pairs],
            [hypothesis for _, hypothesis in pairs],
            truncation="longest_first",
            max_length=self.classifier.max_length,
            padding=True,
            return_tensors="pt",
        ).to(device)
        logits = self.model(**encoded).logits
        ranked: list[list[str]] = []
        for row, ids in enumerate(encoded["input_ids"]):
            places = (ids == tokenizer.mask_token_id).nonzero()
            if not len(places):
                ranked.append([])
                continue
            scores = logits[row, places[0, 0]]
            top = scores.topk(min(_CANDIDATES, len(scores))).indices.tolist()
            ranked.append([word for token in top if (word := _whole_word(tokenizer, token))])
        return ranked


def masked_head(folder: Path, classifier: Classifier) -> MaskedHead | None:
    """The head of the checkpoint in `folder`; None where it has none, or not all of its weights."""
    from transformers import AutoModelForMaskedLM

    if classifier.tokenizer.mask_token is None:
        return None
    quiet_transformers()
    try:
        model, info = AutoModelForMaskedLM.from_pretrained(
            folder,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (ValueError, OSError, RuntimeError):  # a family without such a head, or no weights
        return None
    if info["missing_keys"] or info.get("mismatched_keys"):
        return None
    return MaskedHead(model.float().to(classifier.device).eval(), classifier)


@dataclass(frozen=True, slots=True)
class _MaskedWord:
    """A word without its punctuation, its span, and the pair with the mask in its place."""

    segment: str
    word: str
    start: int
    end: int
    pair: Pair

    def replaced(self, premise: str, hypothesis: str, other: str) -> Substitute:
        other = other.capitalize() if self.word[:1].isupper() else other
        pair = _with_word((premise, hypothesis), self.segment, self.start, self.end, other)
        return Substitute(self.segment, self.word, other, *pair)


def _masked(premise: str, hypothesis: str, mask: str) -> Iterator[_MaskedWord]:
    for segment, sentence in (("hypothesis", hypothesis), ("premise", premise)):
        for first, last in word_spans(sentence):
            places = [i for i in range(first, last) if _is_letter(sentence[i], "LMN")]
            if places:
                start, end = places[0], places[-1] + 1
                pair = _with_word((premise, hypothesis), segment, start, end, mask)
                yield _MaskedWord(segment, sentence[start:end], start, end, pair)


def _with_word(pair: Pair, segment: str, start: int, end: int, other: str) -> Pair:
    """The pair with another word at this span of a sentence."""
    premise, hypothesis = pair
    if segment == "premise":
        return premise[:start] + other + premise[end:], hypothesis
    return premise, hypothesis[:start] + other + hypothesis[end:]


def _is_letter(character: str, categories: str = "LM") -> bool:
    """Whether the character is a letter or a mark on one; with N in `categories` also a digit."""
    return unicodedata.category(character)[0] in categories


def _fits(other: str, word: str) -> bool:
    """Whether it is another word of the same kind of script."""
    return other.lower() != word.lower() and is_unspaced(other) == is_unspaced(word)


def _whole_word(tokenizer: Any, token_id: int) -> str:
    """The token as a word of its own; empty for a special token, punctuation or a piece."""
    if token_id in tokenizer.all_special_ids:
        return ""
    token = tokenizer.convert_ids_to_tokens(token_id)
    text = str(tokenizer.convert_tokens_to_string([token])).strip()
    if not text or not all(map(_is_letter, text)):
        return ""
    if is_unspaced(text):  # no space marks where a word begins
        return "" if token.startswith("##") or len(word_spans(text)) > 1 else text
    marks_beginnings = any(tokenizer.tokenize("a b")[-1].startswith(mark) for mark in "Ġ▁")
    is_piece = not token.startswith(("Ġ", "▁")) if marks_beginnings else token.startswith("##")
    return "" if is_piece else text
