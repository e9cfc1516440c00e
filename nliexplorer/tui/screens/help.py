"""Every key of the screen in view, and how to read what it shows."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from nliexplorer.tui.theme import palette_for
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
    ("ctrl+p", "all commands"),
    ("q", "quit"),
)


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close"),
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
        ):
            table.add_row("", Text(heading.upper(), palette.muted))
            for keys, what in rows:
                table.add_row(keys, what)
            table.add_row("", "")
        return table

    def _own_keys(self) -> list[tuple[str, str]]:
        rows: list[tuple[str, str]] = []
        seen = set()
        nodes = [self._of, *self._of.query("*")]
        for node in nodes:
            if not type(node).__module__.startswith("nliexplorer"):
                continue
            for binding in Binding.make_bindings(type(node).__dict__.get("BINDINGS", ())):
                if binding.action not in seen and binding.description:
                    seen.add(binding.action)
                    rows.append((self._keys(binding.key), binding.tooltip or binding.description))
        return _joined(rows)

    def _keys(self, key: str) -> str:
        names = {"left_square_bracket": "[", "right_square_bracket": "]", "slash": "/"}
        return names.get(key, key)


def _joined(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Keys of one meaning on one line."""
    merged: dict[str, list[str]] = {}
    for key, what in rows:
        merged.setdefault(what, []).append(key)
    return [(" ".join(keys), what) for what, keys in merged.items()]
