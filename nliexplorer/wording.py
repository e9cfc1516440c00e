"""What counts as a word, and surface facts of a pair's words.

Words are separated by spaces. In scripts written without spaces (Chinese, Japanese, Thai,
Lao, Khmer, Burmese) each character is a word, together with its combining marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Characters of scripts without spaces, and their punctuation.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"  # Chinese, Japanese
    "\U00020000-\U0003ffff"
)
#: Vowels, tones and other signs that stand above, below or behind such a character.
_MARKS = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd"
    "\u102b-\u103e\u17b4-\u17d3\u3099\u309a"
)
_CHARACTER = rf"(?!\s)[{_UNSPACED}][{_MARKS}]*"
_UNSPACED_FIRST = re.compile(f"[{_UNSPACED}{_MARKS}]")
#: A word as people count them: with the punctuation attached to it.
_SPACED = re.compile(rf"{_CHARACTER}|[^\s{_UNSPACED}]+")
#: A word of its own and each punctuation mark of its own; contractions stay whole.
_FINE = re.compile(rf"{_CHARACTER}|(?:(?![{_UNSPACED}])\w)+(?:['’](?:(?![{_UNSPACED}])\w)+)?|\S")
_WORD = re.compile(
    rf"(?=\w)[{_UNSPACED}][{_MARKS}]*|(?:(?![{_UNSPACED}])\w)+(?:['’](?:(?![{_UNSPACED}])\w)+)?"
)


def word_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of each word: whitespace words, characters where there are no spaces."""
    return [match.span() for match in _SPACED.finditer(text)]


def whole_words(text: str) -> list[str]:
    """The words of `word_spans`."""
    return text.split() if text.isascii() else _SPACED.findall(text)


def joined(words: Sequence[str]) -> str:
    """Words as a text, with spaces except between characters of scripts without them."""
    text = ""
    for word in words:
        text += word if not text or (is_unspaced(text[-1]) and is_unspaced(word)) else f" {word}"
    return text


def without_word(text: str, start: int, end: int) -> str:
    """The text less the word at this span, and the space behind it."""
    return (text[:start] + text[end:].lstrip()).strip()


def is_unspaced(word: str) -> bool:
    """Whether the word begins with a character of a script without spaces."""
    return _UNSPACED_FIRST.match(word) is not None


def fine_word_spans(text: str) -> list[tuple[int, int]]:
    """The same with each punctuation mark as a word of its own, as attributions merge pieces."""
    return [match.span() for match in _FINE.finditer(text)]


#: Bytes of ASCII that belong to no word, as spaces.
_TO_SPACES = bytes(i if chr(i).isalnum() or chr(i) == "_" else 32 for i in range(128)) + bytes(128)
_NEGATION = frozenset(
    ("no", "not", "nobody", "nothing", "never", "none", "nowhere", "neither", "nor", "without")
) | {"cannot"}
#: Occurs in every text that has one of them.
_MAY_NEGATE = re.compile("no|n['’]t|never|neither|without")


def words(text: str) -> list[str]:
    """Lower-case words without punctuation; contractions stay whole."""
    text = text.lower()
    if text.isascii() and "'" not in text:  # the same in a third of the time
        return text.encode().translate(_TO_SPACES).decode().split()
    return _WORD.findall(text)


def lexical_overlap(premise: str, hypothesis: str) -> float:
    """Share of the hypothesis's distinct words that occur in the premise; 0 without words."""
    hypothesis_words = set(words(hypothesis))
    return (
        len(hypothesis_words & set(words(premise))) / len(hypothesis_words)
        if hypothesis_words
        else 0.0
    )


def has_negation(text: str) -> bool:
    """Whether a negating word or a contracted "not" occurs."""
    return _MAY_NEGATE.search(text.lower()) is not None and any(
        word in _NEGATION or word.endswith(("n't", "n’t")) for word in words(text)
    )
