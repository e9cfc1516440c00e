"""The masked-language-model head that a checkpoint still has, and the words it would put in place
of each word of a pair."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nliexplorer.modeling.load import Classifier, quiet_transformers
from nliexplorer.modeling.tokenizing import Pair

#: Tokens that are looked at for each word: most are the word itself, or pieces of words.
_CANDIDATES = 12
#: Masked pairs in one pass.
_BATCH = 32
#: A word with the punctuation around it.
_CORE = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)


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
        for start in range(0, len(masked), _BATCH):
            part = masked[start : start + _BATCH]
            ranked = self._ranked([pair for *_, pair in part])
            for (segment, index, word, _), tokens in zip(part, ranked, strict=True):
                others = [token for token in tokens if token.lower() != word.lower()]
                made += [
                    _replaced(segment, index, word, other, premise, hypothesis)
                    for other in others[:most]
                ]
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


def _masked(premise: str, hypothesis: str, mask: str) -> list[tuple[str, int, str, Pair]]:
    """(segment, index of the word, the word, the pair with the mask in its place)."""
    made: list[tuple[str, int, str, Pair]] = []
    for segment, sentence in (("hypothesis", hypothesis), ("premise", premise)):
        words = sentence.split()
        for index, word in enumerate(words):
            core = _core(word)[1]
            if not core:
                continue
            text = _with_word(words, index, mask)
            pair = (premise, text) if segment == "hypothesis" else (text, hypothesis)
            made.append((segment, index, core, pair))
    return made


def _core(word: str) -> tuple[str, str, str]:
    match = _CORE.match(word)
    assert match
    before, core, after = match.groups()
    return before, core, after


def _with_word(words: Sequence[str], index: int, other: str) -> str:
    """The sentence with another word, in the punctuation of the one it replaces."""
    before, _, after = _core(words[index])
    return " ".join([*words[:index], f"{before}{other}{after}", *words[index + 1 :]])


def _replaced(
    segment: str, index: int, word: str, other: str, premise: str, hypothesis: str
) -> Substitute:
    other = other.capitalize() if word[:1].isupper() else other
    sentence = hypothesis if segment == "hypothesis" else premise
    text = _with_word(sentence.split(), index, other)
    pair = (premise, text) if segment == "hypothesis" else (text, hypothesis)
    return Substitute(segment, word, other, *pair)


def _whole_word(tokenizer: Any, token_id: int) -> str:
    """The token as a word of its own; empty for a special token, punctuation or a piece."""
    if token_id in tokenizer.all_special_ids:
        return ""
    token = tokenizer.convert_ids_to_tokens(token_id)
    text = str(tokenizer.convert_tokens_to_string([token])).strip()
    marks_beginnings = any(tokenizer.tokenize("a b")[-1].startswith(mark) for mark in "Ġ▁")
    is_piece = not token.startswith(("Ġ", "▁")) if marks_beginnings else token.startswith("##")
    return "" if is_piece or not text.isalpha() else text
