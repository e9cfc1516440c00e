"""One pair as one or two runs see it: probabilities, heatmaps on one scale, their difference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from nliexplorer.annotators import votes_text
from nliexplorer.records import (
    GOLD_NAMES,
    LABELS,
    Attribution,
    ExampleRow,
    Window,
    classes_of,
    is_correct,
)
from nliexplorer.view.bars import bar
from nliexplorer.view.heatmap import HeatRow, heat_text, heatmap, legend
from nliexplorer.view.palette import Palette
from nliexplorer.view.text import shortened, visible

#: What runs are called where their names are too long.
LETTERS = ascii_uppercase
_LONG_VALUE = 200  # characters of a column's value; the whole is in --json and exports


@dataclass(frozen=True, slots=True)
class RunView:
    """What one run says of the pair."""

    name: str
    predicted: int | None = None
    probabilities: tuple[float, ...] | None = None
    attribution: Attribution | None = None
    missing: str = ""  # why there is no prediction or no attribution
    answer: str = ""  # a chat model's answer as text
    explanation: str = ""
    window: Window | None = None  # of a long premise, the one that decided

    @classmethod
    def of(cls, name: str, row: ExampleRow | None, attribution: Attribution | None) -> RunView:
        if row is None:
            return cls(name, None, None, attribution, "this run has not predicted this pair")
        missing = "no answer that could be read" if row.predicted is None else ""
        texts = row.answer, row.explanation
        return cls(name, row.predicted, row.probabilities, attribution, missing, *texts, row.window)

    @property
    def remark(self) -> str:
        """A remark where the attribution is of another part of the premise than the prediction."""
        if self.attribution is None or self.predicted is None:
            return ""
        attributed = self.attribution.window
        if (attributed and attributed.number) == (self.window and self.window.number):
            return ""
        part = f"{attributed} of the premise" if attributed else "the pair without windows"
        return f"the attribution is of {part}: run `nliexplorer attribute` again"


def remarks_under(prediction: RunView | ExampleRow) -> list[tuple[str, str]]:
    """What a chat model wrote, and which window of a long premise decided: (heading, text)."""
    window = prediction.window
    texts = (
        ("answer", prediction.answer),
        ("explanation", prediction.explanation),
        ("decided by", f"{window} of the premise" if window else ""),
    )
    return [(heading, text) for heading, text in texts if text.strip()]


@dataclass(frozen=True, slots=True)
class PairView:
    """A Rich renderable; widths from 40 columns up."""

    premise: str
    hypothesis: str
    gold: int | None
    runs: tuple[RunView, ...]
    palette: Palette
    premise_rationale: tuple[int, ...] = ()
    hypothesis_rationale: tuple[int, ...] = ()
    difference: bool = True
    dense: bool = False  # no blank lines, for a short terminal
    metadata: Mapping[str, Any] = field(default_factory=dict)  # columns that came with the pair
    votes: tuple[int, ...] = ()  # annotators' labels

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.probabilities(options.max_width)
        if not self.dense:
            yield Text()
        yield from self._heat()
        yield from self._words()
        if self.metadata or self.votes:
            if not self.dense:
                yield Text()
            columns = metadata_text(self.metadata, self.votes, self.palette)
            yield Padding(columns, (0, 0, 0, 1))

    def _words(self) -> Iterator[RenderableType]:
        """What chat models wrote and which windows decided, under the pair."""
        for index, run in enumerate(self.runs):
            for heading, text in remarks_under(run):
                if not self.dense:
                    yield Text()
                line = Text(f"{heading}: ", self.palette.muted)
                line.append("\n".join(map(visible, text.strip().splitlines())))
                yield _Gutter(LETTERS[index], " ", line, self.palette, index)

    def _heat(self) -> Iterator[RenderableType]:
        attributions = [run.attribution for run in self.runs] or [None]
        heat = heatmap(self.premise, self.hypothesis, attributions)
        if not heat.attributed:
            yield from self._sentences(heat.rows[0])
            yield Text()
            yield Text(
                "no attributions stored for this pair: run `nliexplorer attribute` to add them",
                self.palette.muted,
            )
            return
        for index, row in enumerate(heat.rows):
            yield from self._sentences(row, LETTERS[index], index)
        if heat.difference and self.difference:
            yield from self._sentences(heat.difference, "Δ")
        yield legend(heat.scale, self.palette, heat.explained)
        own = [run.remark for run in self.runs] or [""]
        for index, (row, of_run) in enumerate(zip(heat.rows, own, strict=True)):
            for remark in filter(None, (*row.remarks, of_run)):
                yield Text(f"⚠ {LETTERS[index]}: {remark}", self.palette.warning)

    def probabilities(self, width: int) -> Iterator[Text]:
        """One line per run, one bar per class; the gold class is marked in the heading."""
        if not self.runs:
            return
        name = max(4, min(max(len(run.name) for run in self.runs), 14 if width < 72 else 22))
        scores = [run.probabilities for run in self.runs if run.probabilities is not None]
        columns = classes_of(max(scores, key=len, default=LABELS))
        cell = max((width - name - 8) // 3, 9)
        heading = Text(" " * (name + 5), no_wrap=True)
        for label in columns:
            gold = self.gold is not None and is_correct(label, self.gold)
            text = GOLD_NAMES[label]
            short = text if cell > 14 else text[:6]
            style = self.palette.label(label) + Style(bold=gold or None)
            heading.append((short + (" ●" if gold else "")).ljust(cell), style)
        yield heading
        for index, run in enumerate(self.runs):
            yield self._probability_line(index, run, name, cell, len(columns))

    def _probability_line(
        self, index: int, run: RunView, name: int, cell: int, columns: int
    ) -> Text:
        line = Text(no_wrap=True)
        line.append(f" {LETTERS[index]} ", self.palette.badge(index))
        shown = visible(run.name)
        line.append(f" {shown if len(shown) <= name else shown[: name - 1] + '…':<{name}} ")
        if run.predicted is None:
            return line.append(run.missing, self.palette.muted)
        if run.probabilities is None:
            line.append(GOLD_NAMES[run.predicted], self.palette.label(run.predicted))
            line.append("  (label only, no probabilities)", self.palette.muted)
            return self._verdict(line, run.predicted)
        classes = classes_of(run.probabilities)
        for label, probability in zip(classes, run.probabilities, strict=True):
            predicted = label == run.predicted
            style = self.palette.label(label) if predicted else self.palette.muted
            line.append(bar(probability, cell - 7), style)
            line.append(f"{probability * 100:5.1f}  ", style + Style(bold=predicted or None))
        if len(run.probabilities) < columns:  # under the heading of a three-way run beside it
            line.append("← non-entailment"[:cell].ljust(cell), self.palette.muted)
        return self._verdict(line, run.predicted)

    def _verdict(self, line: Text, predicted: int) -> Text:
        if self.gold is not None:
            right = is_correct(predicted, self.gold)
            line.append("✓" if right else "✗", self.palette.right if right else self.palette.wrong)
        return line

    def _sentences(
        self, row: HeatRow, badge: str = "", index: int | None = None
    ) -> Iterator[RenderableType]:
        """The row's two sentences with their letters, and the run's badge where there is one."""
        style = self.palette.muted if badge and not row.attributed else None
        premise = heat_text(row.premise, self.palette, self.premise_rationale, style)
        hypothesis = heat_text(row.hypothesis, self.palette, self.hypothesis_rationale, style)
        yield _Gutter(badge, "P", premise, self.palette, index)
        yield _Gutter("", "H", hypothesis, self.palette, index)
        if badge and not row.attributed:
            yield Padding(Text("no attribution stored for this run", self.palette.muted), (0, 6))
        if badge and not self.dense:
            yield Text()


def _is_nested(value: Any) -> bool:
    """Whether a column's value is too structured for one line."""
    inner = value if isinstance(value, list) else ()
    return isinstance(value, Mapping) or any(isinstance(each, list | Mapping) for each in inner)


def metadata_text(metadata: Mapping[str, Any], votes: Sequence[int], palette: Palette) -> Text:
    """`genre fiction · uid 12`: the columns that came with a pair, under their names, behind what
    annotators said.
    """
    text = Text()
    if votes:
        metadata = {"annotators": votes_text(votes), **metadata}
    for name, value in metadata.items():
        if _is_nested(value):
            continue
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        text.append(f"{' · ' if text else ''}{visible(name)} ", palette.muted)
        text.append(shortened(visible(shown), _LONG_VALUE))
    return text


@dataclass(frozen=True, slots=True)
class _Gutter:
    """A badge and a letter in the margin, the text wrapped beside them."""

    badge: str
    letter: str
    text: Text
    palette: Palette
    index: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = self.text.wrap(console, max(options.max_width - 6, 20))
        for number, wrapped in enumerate(lines or [Text()]):
            line = Text(no_wrap=True)
            if number or not self.badge:
                line.append("    ")
            elif self.index is None:
                line.append(f" {self.badge}  ", self.palette.muted + Style(bold=True))
            else:
                line.append(f" {self.badge} ", self.palette.badge(self.index)).append(" ")
            line.append(f"{self.letter if not number else ' '} ", self.palette.muted)
            wrapped.rstrip()
            yield line.append_text(wrapped)
