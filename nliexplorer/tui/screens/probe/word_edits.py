"""What changed between two pairs, word by word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from rich.style import Style
from rich.text import Text

from nliexplorer.view.palette import Palette
from nliexplorer.view.text import visible

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
    before, after = old.split(), new.split()
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        yield kind == "equal", " ".join(before[i:j]), " ".join(after[k:m])


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
        for same, removed, added in _runs(before, after):
            if same:
                text.append(f"{visible(added)} ")
                continue
            if removed:
                text.append(visible(removed), palette.muted + Style(strike=True)).append(" ")
            if added:
                text.append(visible(added), palette.warning + Style(bold=True)).append(" ")
        text.append("\n" if letter == "P" else "")
    return text
