"""Typing into the filter: completion, and what comes in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.snapshot import settle
from nliexplorer.tui.widgets.filter_bar import FilterBar, completions
from tests.databases import add_run, pairs
from tests.tui.keys import press

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


@pytest.mark.parametrize("screen", ["2", "3"])
async def test_a_run_added_meanwhile_leaves_what_is_typed(
    database: Path, monkeypatch: pytest.MonkeyPatch, screen: str
) -> None:
    """Another process writes a run before the moment after the last key is over."""
    monkeypatch.setattr("nliexplorer.tui.widgets.filter_bar.TYPING_SECONDS", 60.0)
    app = ExplorerApp(database)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, screen, "slash", *"wro")
        with StoreWriter(database) as writer:
            add_run(writer, "new", pairs(20), 3)
        app._follow()
        await settle(pilot)
        assert "new" in [run.name for run in app.runs]
        assert app.screen.query_one(FilterBar).input.value == "wro"
        await press(pilot, *"ng", "enter")
        assert app.selection.filter.to_text() == "wrong"
