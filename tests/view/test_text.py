"""Hostile text is shown, not obeyed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from nliexplorer.view.text import plain, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A man sleeps.", "A man sleeps."),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\tb\r\nc\x00", "a␉b␍␊c␀"),
        ("\x7f\x9b2J", "␡\\x9b2J"),
        ("abc\u202edef", "abc\\u202edef"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\u2028", "\\u2028"),
        ("\udc80", "\\udc80"),
        ("\U000e0041", "\\U000e0041"),
        ("naïve 猫 🙂", "naïve 猫 🙂"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_never_controls(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    bad = {"Cc", "Cs", "Zl", "Zp"}
    assert not any(unicodedata.category(c) in bad for c in shown)
    assert visible(shown) == shown


def test_markup_and_emoji_codes_stay_text() -> None:
    console = Console(width=80, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(plain("[red]x[/red] :smile: [link=http://a]b"))
    assert capture.get() == "[red]x[/red] :smile: [link=http://a]b\n"
