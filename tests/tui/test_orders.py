"""`o` and a click on a heading sort, on every screen that has an order; a key has one meaning."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding

from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.analysis.verdict import FEW_PAIRS
from nliexplorer.store.filters import SortKey
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.snapshot import screen_text, settle
from tests.tui.keys import click_on, press

pytestmark = pytest.mark.slow

SIZE = (120, 40)
#: Actions that are one thing to the user, whatever screen they are on.
MEANINGS: dict[str, set[str]] = {
    "order": {"order", "sort"},
    "mark": {"add", "annotate('mark')"},
    "edit": {"annotate('note')", "edit('hypothesis')"},
    "filter": {"filter", "find", "edit('hypothesis')"},
    "scroll the text": {"scroll_pair(1)", "scroll_answer(1)"},
    "scroll the text back": {"scroll_pair(-1)", "scroll_answer(-1)"},
    "right": {"unfold(True)", "scroll_runs(1)", "walk(0, 1)"},
    "left": {"unfold(False)", "scroll_runs(-1)", "walk(0, -1)"},
}


def test_a_key_means_the_same_on_all_screens() -> None:
    actions: dict[str, set[str]] = defaultdict(set)
    for cls in (*ExplorerApp.MODES.values(), ExplorerApp):
        for base in cls.__mro__:  # type: ignore[union-attr]
            if base.__module__.startswith("nliexplorer"):
                for binding in Binding.make_bindings(base.__dict__.get("BINDINGS", ())):
                    for key in binding.key.split(","):
                        actions[key].add(binding.action)
    several = {key: bound for key, bound in actions.items() if len(bound) > 1}
    assert {"o", "e", "space", "slash", "right"} <= set(several)
    for key, bound in several.items():
        assert any(bound <= meaning for meaning in MEANINGS.values()), (key, bound)


def shown(app: ExplorerApp) -> dict[str, Any]:
    return app.screen.as_dict()  # type: ignore[attr-defined, no-any-return]


async def test_headings_of_slices_sort_as_the_key_does(database: Path) -> None:
    app = ExplorerApp(database, start="slices")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)

        def deltas() -> list[float]:
            return [each["delta"] for each in shown(app)["differences"]]

        def sizes() -> list[int]:
            return [each["n"] for each in shown(app)["slices"][0]]

        as_cut = sizes()
        await press(pilot, "o")
        by_key = deltas()
        await press(pilot, "o", "o", "o", "o", "o")
        assert sizes() == as_cut
        await click_on(pilot, "B − A")
        assert deltas() == by_key == sorted(by_key, reverse=True)
        assert "B worse first" in screen_text(app)
        await click_on(pilot, "B − A")
        assert deltas() == sorted(by_key)
        await click_on(pilot, " n ")  # the blank before it is no heading
        assert deltas() == sorted(by_key)
        line = next(row for row in screen_text(app).splitlines() if "│ slice" in row)
        await pilot.click(offset=(line.index(" n ") + 1, screen_text(app).splitlines().index(line)))
        await settle(pilot)
        assert sizes() == sorted(as_cut, reverse=True)
        await pilot.click(offset=(line.index(" B ") + 1, screen_text(app).splitlines().index(line)))
        await settle(pilot)
        assert "most errors of B first" in screen_text(app)
        rates = [each["error_rate"] for each in shown(app)["slices"][1] if each["n"] >= FEW_PAIRS]
        assert rates == sorted(rates, reverse=True)
        await click_on(pilot, "slice ")
        assert sizes() == as_cut


async def test_headings_of_compare_sort_as_the_key_does(database: Path) -> None:
    app = ExplorerApp(database, start="compare")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        names = {"accuracy, %", "AUC macro, %", "AUC neutral, %", "NLL", "Brier", "ECE, %"}

        def order() -> list[str]:
            lines = [line.strip() for line in screen_text(app).splitlines()]
            return [name for line in lines for name in names if line.startswith(name + "  ")]

        listed = order()
        assert set(listed) == names
        await press(pilot, "o")
        worse = order()
        await press(pilot, "o")
        better = order()
        await press(pilot, "o")
        surest = order()
        await press(pilot, "o")
        assert order() == listed
        await click_on(pilot, "B − A")
        assert order() == worse
        await click_on(pilot, "B − A")
        assert order() == better == worse[::-1]
        await click_on(pilot, "95 % interval")
        assert order() == surest
        sure = {
            spec_of(row["name"]).heading: abs(row["delta"]) / (row["ci_high"] - row["ci_low"])
            for row in shown(app)["metrics"]
            if row["ci_low"] is not None
        }
        assert surest == sorted(sure, key=lambda name: -sure[name])


async def test_headings_of_attributions_sort_as_the_key_does(database: Path) -> None:
    app = ExplorerApp(database, start="attributions")
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)

        def words() -> list[str]:
            return [each["word"] for each in shown(app)["words"]]

        orders = [words()]
        for _ in range(2):
            await press(pilot, "o")
            orders.append(words())
        assert orders[0] != orders[1]
        for heading, expected in (("pairs ", 0), ("mean ", 1), ("errors ", 2), ("right  ", 2)):
            text = screen_text(app).splitlines()
            line = next(row for row in text if "pairs   mean errors" in row)
            x = line.index(heading)
            await pilot.click(offset=(x, text.index(line)))
            await settle(pilot)
            assert words() == orders[expected], heading


async def test_examples_are_ordered_by_the_key_of_the_other_screens(database: Path) -> None:
    app = ExplorerApp(database)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        orders = []
        for _ in range(5):
            await press(pilot, "o")
            orders.append(app.selection.filter.sort)
        conf, length = "conf", "len"
        assert orders == [
            (SortKey(conf, down=True),),
            (SortKey(conf),),
            (SortKey(length, down=True),),
            (SortKey(length),),
            (),
        ]
