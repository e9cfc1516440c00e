"""Surface facts of a pair's words."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_NEGATION = frozenset(
    ("no", "not", "nobody", "nothing", "never", "none", "nowhere", "neither", "nor", "without")
) | {"cannot"}


def words(text: str) -> list[str]:
    """Lower-case words without punctuation; contractions stay whole."""
    return _WORD.findall(text.lower())


def lexical_overlap(premise: str, hypothesis: str) -> float:
    """Share of the hypothesis's distinct words that stand in the premise; 0 without words."""
    wanted = set(words(hypothesis))
    return len(wanted & set(words(premise))) / len(wanted) if wanted else 0.0


def has_negation(text: str) -> bool:
    """Whether a negating word or a contracted "not" occurs."""
    return any(w in _NEGATION or w.endswith(("n't", "n’t")) for w in words(text))
