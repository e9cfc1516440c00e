"""Every key of the screen in view, and how to read what it shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from nliexplorer.store.filters import FIELDS
from nliexplorer.tui.theme import palette_for
from nliexplorer.tui.widgets.filter_bar import FilterInput
from nliexplorer.tui.widgets.tabs import TABS

_READING = (
    ("E N C", "entailment, neutral, contradiction; ● marks the gold class, ✗ a wrong prediction"),
    ("P H", "premise and hypothesis"),
    ("orange / +", "the word speaks for the explained class"),
    ("blue / −", "the word speaks against it; one scale for both runs"),
    ("Δ", "B − A, word by word, on the same scale"),
    ("underlined", "words that people gave as the reason, where the data has them"),
)
_EVERYWHERE = (
    ("1 … 8", " · ".join(name for _, name, _ in TABS)),
    ("x", "swap A and B"),
    ("s", "next split"),
    ("D", "dark or light"),
    ("r", "read the database again"),
    ("ctrl+p", "all commands, by name"),
    ("tab", "next part of the screen"),
    ("? F1", "this help"),
    ("q ctrl+q", "quit"),
)
#: Actions that the arrows and their kin name well enough.
_MOVES = ("move(", "page(", "jump(", "walk(")


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "dismiss", "Close"),
    ]

    def __init__(self, of: Screen[Any]) -> None:
        super().__init__()
        self._of = of

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._text())

    def _text(self) -> Table:
        palette = palette_for(self.app.current_theme, self.app.no_color)
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", style=palette.warning, no_wrap=True)
        table.add_column()
        for heading, rows in (
            ("this screen", self._own_keys()),
            ("everywhere", _EVERYWHERE),
            ("reading it", _READING),
            ("in the filter", self._filter_fields()),
        ):
            if not rows:
                continue
            table.add_row("", Text(heading.upper(), palette.muted))
            for keys, what in rows:
                table.add_row(keys, what)
            table.add_row("", "")
        return table

    def _filter_fields(self) -> list[tuple[str, str]]:
        if not self._of.query(FilterInput):
            return []
        return [
            (", ".join(field.values) if field.bare else f"{name}:", field.help)
            for name, field in FIELDS.items()
        ]

    def _own_keys(self) -> list[tuple[str, str]]:
        rows: list[tuple[str, str]] = []
        seen: set[str] = set()
        for node in (self._of, *self._of.query("*")):
            if not type(node).__module__.startswith("nliexplorer"):
                continue
            for binding in Binding.make_bindings(type(node).__dict__.get("BINDINGS", ())):
                if binding.action in seen or not binding.description:
                    continue
                seen.add(binding.action)
                if not binding.action.startswith(_MOVES):
                    shown = self.app.get_key_display(replace(binding, key_display=None))
                    rows.append((shown, binding.tooltip or binding.description))
        if any(action.startswith(_MOVES) for action in seen):
            rows.append(("↑ ↓ PgUp PgDn", "move, as j and k do; Home and End too"))
        return _joined(rows)


def _joined(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Keys of one meaning on one line."""
    merged: dict[str, list[str]] = {}
    for key, what in rows:
        merged.setdefault(what, []).append(key)
    return [(" ".join(keys), what) for what, keys in merged.items()]
