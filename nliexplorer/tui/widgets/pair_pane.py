"""The pair in view: heading, tags and note around the shared renderable."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.reactive import reactive
from textual.widgets import Static

from nliexplorer.records import GOLD_NAMES, gold_name, named_scores
from nliexplorer.tui.copying import Table
from nliexplorer.tui.queries import PairData
from nliexplorer.tui.theme import palette_for
from nliexplorer.view.palette import Palette
from nliexplorer.view.text import visible

#: Height under which blank lines are dropped.
DENSE_BELOW = 18


class PairPane(VerticalScroll):
    difference: reactive[bool] = reactive(True)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pair: PairData | None = None
        self._place = (0, 0)

    def compose(self) -> ComposeResult:
        yield Static(id="pair-text")

    def show(self, pair: PairData, index: int, total: int) -> None:
        if self._pair is None or self._pair.row.example_id != pair.row.example_id:
            self.scroll_home(animate=False)
        self._pair, self._place = pair, (index, total)
        self.redraw()

    def say(self, message: str, hint: str = "") -> None:
        """A message where the pair would be."""
        self._pair = None
        text = Text().append(f"\n{visible(message)}\n", self._palette.strong)
        text.append(visible(hint), self._palette.muted)
        self.query_one("#pair-text", Static).update(text)

    def redraw(self) -> None:
        if self._pair:
            self.query_one("#pair-text", Static).update(self._content(self._pair, self._palette))

    def on_resize(self) -> None:
        self.redraw()

    def watch_difference(self) -> None:
        if self.is_mounted:
            self.redraw()

    def plain(self) -> str:
        """The pair as text without colour, sign and strength written out."""
        if not self._pair:
            return ""
        console = Console(width=100, color_system=None, force_terminal=False, highlight=False)
        with console.capture() as capture:
            console.print(self._content(self._pair, Palette(mono=True)))
        return "\n".join(line.rstrip() for line in capture.get().splitlines())

    @property
    def _palette(self) -> Palette:
        return palette_for(self.app.current_theme, self.app.no_color)

    def _content(self, pair: PairData, palette: Palette) -> RenderableType:
        dense = self.size.height < DENSE_BELOW
        parts: list[RenderableType] = [self._heading(pair, palette)]
        if not dense:
            parts.append(Text())
        parts.append(pair.view(palette, self.difference, dense))
        if pair.note:
            parts += [Text(), Text(f"✎ {visible(pair.note)}", palette.warning)]
        return Group(*parts)

    def _heading(self, pair: PairData, palette: Palette) -> Text:
        row = pair.row
        text = Text(no_wrap=True).append(" gold ", palette.muted)
        text.append(gold_name(row.gold), palette.label(row.gold) + palette.strong)
        text.append(f"   {row.example_id[:8]}   {row.length} words", palette.muted)
        for tag in pair.tags:
            text.append(f"   ⚑ {visible(tag)}", palette.warning)
        if pair.target_kind != "gold":
            text.append(f"   explaining the {pair.target_kind} class", palette.muted)
        return text


def pair_table(pair: PairData) -> Table:
    """The pair and what each run predicts, for copying."""
    rows = [
        ["premise", pair.row.premise],
        ["hypothesis", pair.row.hypothesis],
        ["gold", gold_name(pair.row.gold)],
    ]
    for run in pair.runs:
        answer = "–" if run.predicted is None else GOLD_NAMES[run.predicted]
        if shares := named_scores(run.probabilities):
            answer += f" ({', '.join(f'{name} {p:.1%}' for name, p in shares.items())})"
        rows.append([run.name, answer])
    rows += [["tags", ", ".join(pair.tags)]] if pair.tags else []
    rows += [["note", pair.note]] if pair.note else []
    return Table(["", pair.row.example_id], rows)
