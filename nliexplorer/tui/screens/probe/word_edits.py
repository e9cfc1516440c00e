"""What changed between two pairs, word by word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from rich.style import Style
from rich.text import Text

from nliexplorer.view.palette import Palette
from nliexplorer.view.text import visible
from nliexplorer.wording import joined, whole_words

Pair = tuple[str, str]  # premise, hypothesis


@dataclass(frozen=True, slots=True)
class WordEdit:
    """Words of a sentence that were replaced; one of the two is empty for a pure change."""

    removed: str
    added: str


def word_edits(old: str, new: str) -> list[WordEdit]:
    """The edits that lead from one sentence to the other, in order."""
    return [WordEdit(removed, added) for same, removed, added in _runs(old, new) if not same]


def _runs(old: str, new: str) -> Iterator[tuple[bool, str, str]]:
    """Runs of words as (whether they are the same, in the old, in the new)."""
    before, after = whole_words(old), whole_words(new)
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        yield kind == "equal", joined(before[i:j]), joined(after[k:m])


def edit_summary(old: Pair, new: Pair) -> str:
    """`P cabbages → carrots · H + not`: which words changed in which sentence."""
    parts = []
    for letter, before, after in zip("PH", old, new, strict=True):
        for edit in word_edits(before, after):
            if edit.removed and edit.added:
                parts.append(f"{letter} {edit.removed} → {edit.added}")
            else:
                parts.append(
                    f"{letter} + {edit.added}" if edit.added else f"{letter} − {edit.removed}"
                )
    return visible(" · ".join(parts))


def marked_edits(old: Pair, new: Pair, palette: Palette) -> Text:
    """Both sentences with what was removed struck through and what was added in bold."""
    text = Text()
    for letter, before, after in zip("PH", old, new, strict=True):
        text.append(f"{letter} ", palette.muted)
        last = ""
        for same, removed, added in _runs(before, after):
            removed = "" if same else removed
            struck, bold = palette.muted + Style(strike=True), palette.warning + Style(bold=True)
            for words, style in ((removed, struck), (added, Style() if same else bold)):
                if words:
                    text.append(" " if joined([last, words]) != last + words else "")
                    text.append(visible(words), style)
                    last = words
        text.append("\n" if letter == "P" else "")
    return text
