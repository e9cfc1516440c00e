"""Which words get the attribution, and how it is spread; a word opens its examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.widgets import Static
from textual.worker import NoActiveWorker, get_current_worker

from nliexplorer.analysis.attributed_words import WordScore
from nliexplorer.comparison.attributed import ORDERS, Tally, WordRow, tally, word_rows
from nliexplorer.errors import NliError
from nliexplorer.records import LABELS
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.copying import Table
from nliexplorer.tui.queries import paired_runs
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.session import OvertakenError
from nliexplorer.tui.state import Selection, Subset
from nliexplorer.tui.widgets.preview import PreviewPane
from nliexplorer.tui.widgets.rows import Rows
from nliexplorer.tui.widths import MEDIUM
from nliexplorer.view.bars import bar
from nliexplorer.view.differences import TIGHT
from nliexplorer.view.palette import Palette, decimals, heat_step, signed
from nliexplorer.view.text import visible

WHICH = ("all", "wrong", "right", "0", "1", "2")
_SAID = {"all": "all pairs", "wrong": "errors", "right": "right answers"} | {
    str(i): f"gold {name}" for i, name in enumerate(LABELS)
}
_ORDERED = {
    "total": "most attribution in all",
    "strength": "most attribution each time",
    "errors": "errors differ most from right answers",
}
#: The columns of a run: the gap before, the heading, and the order that it chooses.
_COLUMNS = (
    (" ", "pairs", "total"),
    ("   ", "mean", "strength"),
    (" ", "errors", "errors"),
    ("  ", "right", "errors"),
)
BINS = 12
SHOWN = 500


@dataclass(frozen=True, slots=True, eq=False)
class Tallies:
    """A's tally and B's, and what to know of the pairs they are about."""

    runs: tuple[Tally, ...]
    notes: tuple[str, ...]


class AttributionsScreen(ExplorerScreen):
    MODE = "attributions"
    LOADING = "counting the attributed words …"
    AUTO_FOCUS = "#words"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "which", "Pairs", tooltip="all pairs, errors, right, each class"),
        Binding("H", "segment", "Sentence", tooltip="words of premise or hypothesis"),
        Binding("o", "order", "Order", tooltip="order of the words"),
        Binding("v", "shapes", "Spread", show=False,
                tooltip="how attributions are spread, if too narrow"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._tallies: tuple[Tally, ...] = ()
        self._notes: tuple[str, ...] = ()
        self._rows: list[WordRow] = []
        self._which, self._segment, self._order = "all", "hypothesis", "total"

    def compose_body(self) -> ComposeResult:
        with Container(id="attributions"):
            with Vertical(id="word-side"):
                yield Static(id="word-title", classes="heading")
                yield Static(id="word-heading")
                yield Rows(id="words")
                yield PreviewPane(id="word-preview")
            with VerticalScroll(id="shape-side", can_focus=False):
                yield Static(id="shapes")

    def load(self, selection: Selection) -> None:
        self.ask("tally", self.kept(self.explorer.session.results, selection), self._show)

    @classmethod
    def compute(cls, reader: StoreReader, selection: Selection) -> Tallies:
        """A and B on the pairs both predicted; A alone where B predicted none of them."""

        def stop() -> None:
            with suppress(NoActiveWorker):  # computed ahead
                if get_current_worker().is_cancelled:
                    raise OvertakenError

        try:
            paired = paired_runs(reader, selection, others=False)
            notes = paired.notes
        except NliError as error:
            if selection.b is None:
                raise
            paired, notes = paired_runs(reader, replace(selection, b=None)), (error.message,)
        return Tallies(tally(reader, paired, stop), notes)

    def _show(self, shown: Tallies) -> None:
        self._tallies, self._notes = shown.runs, shown.notes
        if not any(each.pairs for each in self._tallies):
            self.notice(
                "these runs have no attributions on this split",
                "add them: nliexplorer attribute RUN --split " + self.selection.split,
            )
            return
        self.query_one("#shapes", Static).update(self._shapes())
        self._recount()

    def _recount(self) -> None:
        tallies, words = self._tallies, (self._segment, self._which, self._order)
        self.work("words", lambda: word_rows(tallies, *words), self._show_words)

    def _show_words(self, rows: list[WordRow]) -> None:
        self._rows = rows[:SHOWN]
        title = Text(no_wrap=True, overflow="ellipsis")
        title.append(f"{self._segment} words in {_SAID[self._which]}", self.palette.strong)
        title.append(f" · {_ORDERED[self._order]}", self.palette.muted)
        spread, tight = " · v: spread", self.size.width < TIGHT
        if self.size.width < MEDIUM and title.cell_len + len(spread) < self.size.width - 2:
            title.append(spread, self.palette.muted)
        for index, each in enumerate(self._tallies):
            title.append(f"\n{'AB'[index]} ", self.palette.run(index))
            title.append(each.counted(short=tight), self.palette.muted)
        for note in self._notes:
            title.append(f"\n{visible(note)}", self.palette.warning)
        self.query_one("#word-title", Static).update(title)
        two = len(self._tallies) > 1
        columns = _COLUMNS if self.size.width >= TIGHT or not two else _COLUMNS[:2]
        heading = _heading(two, columns, self.palette)
        self.query_one("#word-heading", Static).update(heading)
        means = [s.mean for row in self._rows for s in row.scores if s]
        scale = float(np.quantile(np.abs(means), 0.95)) if means else 1.0
        unit = _unit(scale)
        if unit < 1:
            title.append(f"\nscores in units of {unit:g}", self.palette.muted)
            self.query_one("#word-title", Static).update(title)
        short = len(columns) < len(_COLUMNS)
        drawn = [_word_line(row, scale, unit, short, self.palette) for row in self._rows]
        self.query_one("#words", Rows).show(drawn, 0)
        self.preview()

    def look_changed(self) -> None:
        if self._tallies and any(each.pairs for each in self._tallies):
            self._show(Tallies(self._tallies, self._notes))

    # -- shapes

    def _shapes(self) -> Text:
        text = Text("how pairs are spread, with medians\n\n", self.palette.muted)
        start = len(text)
        for name, title in (
            ("variance", "penalised variance"),
            ("hypothesis_share", "hypothesis’ share"),
            ("special_share", "specials’ share"),
        ):
            values = [t.shapes[name] for t in self._tallies if len(t.shapes.get(name, ()))]
            if values:
                self._append_histogram(text, name, title, np.concatenate(values))
        if len(text) == start:
            return Text("the shape of these attributions was not stored", self.palette.muted)
        return text

    def _append_histogram(self, text: Text, name: str, title: str, values: Any) -> None:
        palette = self.palette
        top = float(np.quantile(values, 0.98)) if name == "variance" else 1.0
        unit = _unit(top) if top < _SMALL else 1.0
        digits = max(decimals(top / unit or 1.0), 3)
        text.append(title, palette.muted)
        for index, each in enumerate(self._tallies):
            if len(each.shapes.get(name, ())):
                text.append(f" {'AB'[index]} ", palette.run(index))
                text.append(f"{np.median(each.shapes[name]) / unit:.{digits}f}", palette.strong)
        text.append("\n" if unit == 1 else f"\nin units of {unit:g}\n", palette.muted)
        edges = np.linspace(0.0, top or 1.0, (BINS if name == "variance" else 8) + 1)
        counts = [
            np.histogram(np.minimum(t.shapes.get(name, np.empty(0)), edges[-1]), edges)[0]
            for t in self._tallies
        ]
        highest = max((int(c.max()) for c in counts), default=1) or 1
        for place in range(len(edges) - 1):
            text.append(f"{edges[place] / unit:>7.{digits}f} ", palette.muted)
            for index, count in enumerate(counts):
                text.append(bar(count[place] / highest, 7), palette.run(index))
                text.append(f"{count[place]:>6,} ", palette.muted)
            text.append("\n")
        text.append("\n")

    # -- keys

    def action_which(self) -> None:
        self._which = WHICH[(WHICH.index(self._which) + 1) % len(WHICH)]
        self._recount()

    def action_shapes(self) -> None:
        self.query_one("#attributions").toggle_class("-shapes")

    def action_segment(self) -> None:
        self._segment = "premise" if self._segment == "hypothesis" else "hypothesis"
        self._recount()

    def action_order(self) -> None:
        self.action_order_by(ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)])

    def action_order_by(self, order: str) -> None:
        self._order = order
        self._recount()
        self.notify(f"order: {_ORDERED[order]}", timeout=2)

    def on_rows_moved(self) -> None:
        self.preview()

    def on_rows_opened(self) -> None:
        self.open_it()

    def opening(self) -> tuple[str, dict[str, Any]] | None:
        """Just the pairs counted for the word under the cursor: A's, or B's where A has none."""
        place = self.query_one("#words", Rows).cursor
        if place >= len(self._rows):
            return None
        row = self._rows[place]
        counted = next(t for t, score in zip(self._tallies, row.scores, strict=True) if score)
        name = f"{self._segment} “{row.word}” in {_SAID[self._which]}"
        members = counted.with_word(row.word, self._segment, self._which)
        return name, {"subset": Subset(name, members)}

    def table(self) -> Table:
        names = [each.run.name for each in self._tallies]
        columns = [f"{self._segment} word"]
        columns += [f"{name}: {what}" for name in names for what in ("pairs", "mean")]
        rows = []
        for row in self._rows:
            cells = [row.word]
            for score in row.scores:
                cells += ["–", "–"] if score is None else [f"{score.n:,}", f"{score.mean:.4g}"]
            rows.append(cells)
        return Table(columns, rows)

    def as_dict(self) -> dict[str, Any]:
        return {
            "segment": self._segment,
            "which": self._which,
            "words": [
                {"word": row.word}
                | {
                    side: score.as_dict() if score else None
                    for side, score in zip("ab", (*row.scores, None), strict=False)
                }
                for row in self._rows[:100]
            ],
        }


def _heading(two: bool, columns: Sequence[tuple[str, str, str]], palette: Palette) -> Text:
    text = Text(" " * (_NAME - 1), palette.muted, no_wrap=True)
    for index in range(2 if two else 1):
        text.append("AB"[index], palette.run(index))
        for gap, name, order in columns:
            link = Style(meta={"@click": f"screen.order_by({order!r})"})
            text.append(gap).append(name, palette.muted + link)
        text.append("   ")
    return text


def _unit(scale: float) -> float:
    """The power of a thousand as a unit in which scores of this scale have significant digits."""
    return 1.0 if scale >= 0.1 or scale <= 0 else 1000.0 ** math.floor(math.log(scale * 10, 1000))


def _word_line(row: WordRow, scale: float, unit: float, short: bool, palette: Palette) -> Text:
    """The word, and of each run its pairs and scores; `short`: the mean score alone."""
    word = visible(row.word)
    word = word if len(word) < _NAME else word[: _NAME - 2] + "…"
    text = Text(f"{word:<{_NAME}}", no_wrap=True)
    for score in row.scores:
        _append_score(text, score, scale, unit, short, palette)
        text.append("   ")
    return text


def _append_score(
    text: Text, score: WordScore | None, scale: float, unit: float, short: bool, palette: Palette
) -> None:
    if score is None:
        text.append(f"{'–':>6}{'':{7 if short else 21}}", palette.faint)
        return
    text.append(f"{score.n:>6,} ", palette.muted)
    text.append(f"{signed(score.mean / unit):>6}", palette.heat(heat_step(score.mean, scale)))
    for value in () if short else (score.mean_wrong, score.mean_right):
        text.append(f"{'–' if value is None else signed(value / unit):>7}", palette.muted)


_NAME = 14  # columns of a word
_SMALL = 0.001  # shapes of which none is larger are shown in a unit of their own
