"""Completion while typing."""

from __future__ import annotations

import pytest

from nliexplorer.tui.widgets.filter_bar import completions

KNOWN = {"fixed-by": ["ig-variance", "my run"], "tag": ["odd"], "meta": ["genre"]}


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("go", "gold:"),
        ("wr", "wrong"),
        ("wrong pre", "wrong pred:"),
        ("gold:n", "gold:neutral"),
        ("fixed-by:i", "fixed-by:ig-variance"),
        ("fixed-by:m", 'fixed-by:"my run"'),
        ("tag:", "tag:odd"),
        ("wrong -go", "wrong -gold:"),
        ("(gold:n", "(gold:neutral"),
        ("gold:neutral,c", "gold:neutral,contradiction"),
        ("b.co", "b.conf:"),
        ("-b.wr", "-b.wrong"),
        ("met", "meta."),
        ("meta.g", "meta.genre:"),
        ("sort:-co", "sort:-conf"),
        ("sort:-conf,l", "sort:-conf,len"),
    ],
)
def test_the_last_word_is_completed(text: str, first: str) -> None:
    assert completions(text, lambda field: KNOWN.get(field, ()))[0] == first


@pytest.mark.parametrize("text", ["", "wrong ", "sleeping", "gold:neutral"])
def test_nothing_to_complete(text: str) -> None:
    assert completions(text, lambda field: KNOWN.get(field, ())) == []
