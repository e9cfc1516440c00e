"""The recipes of docs/architecture.md, followed: one registry entry adds a thing everywhere."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from textual.app import ComposeResult
from textual.widgets import Static
from torch import Tensor

from nliexplorer.analysis import slicing
from nliexplorer.attribution import methods
from nliexplorer.attribution.task import Task
from nliexplorer.config import PathPenaltyConfig
from nliexplorer.data import sources
from nliexplorer.data.loaded_split import LoadedSplit, from_examples
from nliexplorer.data.source_spec import Spec
from nliexplorer.records import EvaluationRef, Example
from nliexplorer.store.filters import Field, fields, parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.training import penalties
from nliexplorer.training.path_penalty import PathPenalty
from nliexplorer.training.penalties import Penalty, TokenView
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.snapshot import settle
from nliexplorer.tui.state import Selection
from tests.databases import two_runs
from tests.tinymodels import EXAMPLES, tiny_classifier


def test_a_data_source(monkeypatch: pytest.MonkeyPatch) -> None:
    class Greetings:
        name, title, labels = "greetings", "two pairs", 3

        def splits(self, spec: Spec) -> list[str]:
            return ["dev"]

        def load(self, spec: Spec, split: str) -> LoadedSplit:
            pairs = [Example("A man waves.", "A man greets.", label) for label in (0, 1)]
            return from_examples(spec.text, split, pairs)

    monkeypatch.setattr(sources, "_REGISTRY", dict(sources._REGISTRY))
    sources.register(Greetings())
    assert "greetings" in [source.name for source in sources.list_sources()]
    assert [row.label for row in sources.load_split("greetings", "dev")] == [0, 1]


def test_a_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    def size(scores: Tensor, view: TokenView) -> Tensor:
        """sum_t |a_t| over the counted tokens."""
        return scores.abs().masked_fill(~view.counted, 0.0).sum(-1)

    monkeypatch.setitem(penalties.PENALTIES, "size", Penalty("size", size))
    classifier = tiny_classifier("electra")
    penalty = PathPenalty(classifier, PathPenaltyConfig(penalty="size", ig_steps=3, alpha=0.01))
    texts = [e.premise for e in EXAMPLES], [e.hypothesis for e in EXAMPLES]
    batch = dict(classifier.tokenizer(*texts, padding=True, return_tensors="pt"))
    batch["labels"] = torch.tensor([example.label for example in EXAMPLES])
    state = penalty.backward(batch)
    assert state.value > 0
    assert any(p.grad is not None and p.grad.any() for p in classifier.model.parameters())


def test_an_attribution_method(monkeypatch: pytest.MonkeyPatch) -> None:
    def lengths(task: Task) -> Tensor:
        return task.batch.attention_mask.cumsum(-1).float()

    entry = methods.Method("lengths", lambda: lengths)
    monkeypatch.setitem(methods.METHODS, "lengths", entry)
    attributed = dict(methods.attribute(tiny_classifier("electra"), EXAMPLES, method="lengths"))
    scores = attributed[0].scores
    assert list(scores) == sorted(scores)
    assert attributed[0].method == "lengths"


def test_a_filter_field(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = Field("place", "position in the split", "whole", "{p}.position")
    for registry in (fields.FIELDS, fields._by_name):  # taken out again after the test
        monkeypatch.setitem(registry, "place", place)
        monkeypatch.delitem(registry, "place")
    fields.register(place)
    two_runs(tmp_path / "runs.db")
    with StoreReader(tmp_path / "runs.db") as reader:
        rows = reader.predictions.rows(
            reader.runs.evaluation("first"), parse_filter("place:3-5 sort:-place")
        )
    assert [row.position for row in rows] == [5, 4, 3]


def test_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicing, "_REGISTRY", dict(slicing._REGISTRY))

    @slicing.slice_key("parity", "odd or even length")
    def parity(table: slicing.SliceTable) -> slicing.Grouping:
        return slicing.Grouping(("even", "odd"), table.length % 2)

    gold = np.array([0, 1, 2, 0])
    table = slicing.SliceTable(
        gold=gold, predicted=gold, correct=gold == 0, length=np.array([4, 5, 6, 7])
    )
    assert "parity" in slicing.available_keys(table)
    assert slicing.group_by(table, "parity").index.tolist() == [0, 1, 0, 1]
    assert slicing.group_by(replace(table, length=gold), "parity").names[0] == "even"


async def test_a_screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class CountScreen(ExplorerScreen):
        MODE = "count"

        def compose_body(self) -> ComposeResult:
            yield Static(id="count")

        def load(self, selection: Selection) -> None:
            evaluation = EvaluationRef(selection.runs[0].id, selection.split)
            self.ask("count", lambda reader: reader.predictions.count(evaluation), self._show)

        def _show(self, count: int) -> None:
            self.query_one("#count", Static).update(f"{count} pairs")

    monkeypatch.setattr(ExplorerApp, "MODES", {**ExplorerApp.MODES, "count": CountScreen})
    two_runs(tmp_path / "runs.db")
    app = ExplorerApp(tmp_path / "runs.db")
    async with app.run_test() as pilot:
        await settle(pilot)
        app.action_show("count")
        await settle(pilot)
        assert re.fullmatch(r"[1-9]\d* pairs", str(app.screen.query_one("#count", Static).render()))
