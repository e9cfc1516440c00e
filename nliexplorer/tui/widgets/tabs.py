"""The top two lines: which screen, which runs, which split and filter."""

from __future__ import annotations

from pathlib import Path

from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from nliexplorer.tui.state import Selection
from nliexplorer.tui.theme import palette_for
from nliexplorer.view.bars import percent
from nliexplorer.view.pair import LETTERS
from nliexplorer.view.text import visible

#: mode, name, shorter name, shortest name
TABS: tuple[tuple[str, str, str, str], ...] = (
    ("runs", "Runs", "Runs", "Run"),
    ("examples", "Examples", "Examples", "Ex"),
    ("compare", "Compare", "Compare", "Cmp"),
    ("calibration", "Calibration", "Calib.", "Cal"),
    ("slices", "Slices", "Slices", "Slc"),
    ("training", "Training", "Train", "Trn"),
    ("attributions", "Attributions", "Attr.", "Att"),
    ("probe", "Probe", "Probe", "Prb"),
)


def tab_names(width: int, current: str) -> list[str]:
    """Names of the tabs, as long as fits in `width`; the current one's stays readable."""
    for form, of_current in ((1, 1), (2, 2), (3, 2), (3, 3)):
        names = [tab[of_current if tab[0] == current else form] for tab in TABS]
        if 1 + sum(len(name) + 4 for name in names) <= width:
            return names
    return [tab[2] if tab[0] == current else "" for tab in TABS]


#: Steps of the history that the breadcrumb names.
TRAIL = 3


class TabStrip(Static):
    """Number, name; a click goes there."""

    class Pressed(Message):
        def __init__(self, mode: str) -> None:
            super().__init__()
            self.mode = mode

    def __init__(self, current: str, database: Path) -> None:
        super().__init__()
        self.current = current
        self.database = database
        self._ends: list[tuple[int, str]] = []

    def render(self) -> Text:
        palette = palette_for(self.app.current_theme, self.app.no_color)
        names = tab_names(self.size.width, self.current)
        text = Text(" ", no_wrap=True)
        self._ends = []
        for number, (name, (mode, *_)) in enumerate(zip(names, TABS, strict=True), 1):
            shown = f" {number} {name} " if name else f" {number} "
            if mode == self.current:
                theme = self.app.current_theme
                ink = Style(reverse=True, bold=True)
                if not palette.mono:
                    ink = Style(color=theme.background, bgcolor=theme.accent, bold=True)
                text.append(shown, ink)
            else:
                text.append(f" {number}", palette.warning)
                text.append(f" {name} " if name else " ", palette.muted)
            self._ends.append((text.cell_len, mode))
        place = visible(self.database.name)
        gap = self.size.width - text.cell_len - len(place) - 1
        if gap > 0:
            text.append(" " * gap + place, palette.muted)
        return text

    def on_click(self, event: events.Click) -> None:
        for end, mode in self._ends:
            if event.x < end:
                self.post_message(self.Pressed(mode))
                return


class ContextBar(Static):
    """The two runs with their accuracy, the split, the filter; a mark while a query runs."""

    selection: reactive[Selection] = reactive(Selection, layout=False)
    trail: reactive[tuple[str, ...]] = reactive(())  # modes that going back leads through
    busy: reactive[bool] = reactive(False)

    def render(self) -> Text:
        palette = palette_for(self.app.current_theme, self.app.no_color)
        selection = self.selection
        text = Text("  ", no_wrap=True, overflow="ellipsis")
        if not selection.a:
            text.append("no run selected", palette.muted)
        arms = (selection.arm_a, selection.arm_b)
        for index, (run, arm) in enumerate(zip((selection.a, selection.b), arms, strict=True)):
            if run is None:
                continue
            text.append(f" {'AB'[index]} ", palette.badge(index))
            text.append(f" {visible(run.name)}", palette.strong)
            if metrics := run.metrics.get(selection.split):
                text.append(f" {percent(metrics.accuracy)}", palette.muted)
            if arm:
                text.append(f" of {len(arm.runs)} seeds", palette.warning)
            text.append("   ")
        further = len(selection.all_runs) - 2
        if further > 0:
            if text.cell_len + 3 * further + len(f"  split {selection.split}") < self.size.width:
                for index in range(2, 2 + further):
                    text.append(f" {LETTERS[index]} ", palette.badge(index))
            else:
                text.append(f"+{further}", palette.strong)
            text.append("  ")
        if selection.split:
            text.append("split ", palette.muted)
            text.append(visible(selection.split))
        if query := selection.filter.to_text():
            text.append("   filter ", palette.muted)
            text.append(visible(query))
        if selection.subset:
            text.append("   only ", palette.muted)
            text.append(visible(selection.subset.name), palette.warning)
        if self.busy:
            text.append("   … reading", palette.warning)
        names = [tab[1] for mode in self.trail[-TRAIL:] for tab in TABS if tab[0] == mode]
        while names:
            trail = "esc ‹ " + " ‹ ".join(reversed(names))
            if text.cell_len + len(trail) + 2 < self.size.width:
                return text.append(trail.rjust(self.size.width - 1 - text.cell_len), palette.muted)
            names.pop(0)
        return text
