"""Figures on the screens: their digits, their axes, their labels."""

from __future__ import annotations

import re
import sqlite3
import statistics
from pathlib import Path

import pytest

from nliexplorer.records import StepRecord
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.snapshot import screen_text, settle
from nliexplorer.view.heatmap import legend
from nliexplorer.view.palette import Palette
from tests.databases import metrics, predictions, scenes
from tests.tui.keys import press

pytestmark = pytest.mark.slow


async def test_small_attributions_show_digits_that_tell(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("update attributions set variance = variance * 1e-6")
        values = {
            name: [row[0] for row in connection.execute(
                "select variance from attributions join runs on runs.id = run_id where name = ?",
                (name,),
            )]
            for name in ("base", "reg")
        }  # fmt: skip
    known = {name: statistics.median(each) for name, each in values.items()}
    app = ExplorerApp(database, start="attributions")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        text = screen_text(app)
        shown = re.search(r"penalised variance A ([\d.]+) B ([\d.]+)", text)
        unit = re.search(r"in units of (\S+)", text[text.index("penalised") :])
        assert shown
        assert unit
        assert float(unit.group(1)) == 1e-6
        for run, median in zip(("base", "reg"), shown.groups(), strict=True):
            assert float(median) == pytest.approx(known[run] / 1e-6, abs=5e-4)


@pytest.mark.parametrize(
    ("scale", "ends"), [(0.5, "+0.500"), (0.00123, "+0.00123"), (12.0, "+12.00")]
)
def test_the_scale_of_a_heatmap_has_three_digits(scale: float, ends: str) -> None:
    text = legend(scale, Palette()).plain
    assert ends in text
    assert ends.replace("+", "−") in text


async def test_one_step_has_no_made_up_axis(database: Path) -> None:
    pairs = scenes()
    guesses = predictions(pairs, 5)
    with StoreWriter(database) as writer:
        run = writer.create_run(name="short", objective="baseline", data="d", model="m", seed=0)
        writer.add_steps(run.id, [StepRecord(1, 1.0, 0.75, 0.75, 0.1, seconds=1.0)])
        writer.store_evaluation(run.id, "dev", pairs, guesses, metrics(pairs, guesses))
        writer.finish_run(run.id, status="done", train_seconds=1.0)
    app = ExplorerApp(database, ("short",), start="training")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        text = screen_text(app)
        assert "0.75" in text
        for invented in ("0.5 ", "1.5 ", "0.25", "1.25"):
            assert invented not in text, text


async def test_the_data_column_keeps_both_ends(database: Path) -> None:
    long = "data/a-long-folder-of-the-project/snli_1.0_dev_hard.jsonl"
    with sqlite3.connect(database) as connection:
        connection.execute("update runs set data = ?", (long,))
    app = ExplorerApp(database, start="runs")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        lines = [row for row in screen_text(app).splitlines() if "✓ done" in row]
        assert lines
        for row in lines:
            assert "dev_hard.jsonl"[-9:] in row
            assert "…" in row


async def test_labels_of_slices_where_runs_differ_are_whole(database: Path) -> None:
    app = ExplorerApp(database, start="slices")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "end")
        data = app.screen.as_dict()  # type: ignore[attr-defined]
        assert data["key"] == "surprising"
        labels = [row.label for row in app.screen._shown.rows]  # type: ignore[attr-defined]
        assert labels
        text = screen_text(app)
        shown = [label for label in labels if label[:60] in text]
        assert len(shown) >= min(5, len(labels))
        assert len(set(labels)) == len(labels)


async def test_undecided_rows_show_zero_direction_and_scale(database: Path) -> None:
    app = ExplorerApp(database, start="compare")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        lines = screen_text(app).splitlines()
        heading = next(line for line in lines if "B − A" in line)
        assert re.search(r"◂ A.* 0 .*B.*▸", heading)
        zero = heading.index(" 0 ") + 1
        rows = [line for line in lines if "open" in line and "●" in line]
        assert rows
        for row in rows:
            assert row[zero] in "┿│●", row
        decided = [line for line in lines if ("B better" in line or "A better" in line)]
        for row in [line for line in decided if "●" in line]:
            assert row[zero] in "┿│●", row
