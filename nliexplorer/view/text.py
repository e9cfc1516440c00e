"""Escapes text from data sets, so that it cannot control the terminal or add markup."""

from __future__ import annotations

import unicodedata

from rich.text import Text

#: Joiners stay: emoji sequences and several scripts need them.
_KEPT = {"\u200c", "\u200d"}
#: Cc: controls (ESC, NUL, newline, C1). Cf: bidi controls, zero-width, tags. Cs: lone surrogates.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def visible(text: str) -> str:
    """`text` with each control or invisible character as a visible one, one line, printable.

    C0 controls become control pictures (ESC -> ␛), others an escape such as `\\u202e`. The result
    may hold square brackets: give it to `rich.text.Text` (see `plain`), never to a markup string.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` characters, its end replaced by an ellipsis if it is longer."""
    return text if len(text) <= width else text[: width - 1] + "…"


def middle_shortened(text: str, width: int) -> str:
    """`text` in at most `width` characters, cut in the middle: both ends tell paths apart."""
    if len(text) <= width:
        return text
    end = (width - 1) * 2 // 3
    return f"{text[: width - 1 - end]}…{text[len(text) - end :]}"


def plain(text: str, style: str = "") -> Text:
    """`visible(text)` as a Rich Text: no markup, no emoji codes, no control characters."""
    return Text(visible(text), style=style)


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if character in _KEPT or unicodedata.category(character) not in _HIDDEN:
        return character
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )
