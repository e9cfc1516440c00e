"""Every key of the screen in view, and how to read what it shows; typing searches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from nliexplorer.store.filters import FIELDS
from nliexplorer.tui.theme import palette_for
from nliexplorer.tui.widgets.filter_bar import FilterInput
from nliexplorer.tui.widgets.tabs import TABS

_READING = (
    ("E N C", "entailment, neutral, contradiction; ● marks the gold class, ✗ a wrong prediction"),
    ("P H", "premise and hypothesis"),
    ("orange / +", "the word supports the explained class"),
    ("blue / −", "the word counts against it; both runs share one scale"),
    ("Δ", "B − A, word by word, on the same scale"),
    ("underlined", "words that annotators gave as the reason, where the data has them"),
)
_EVERYWHERE = (
    ("1 … 8", " · ".join(name for _, name, *_ in TABS)),
    ("x", "swap A and B"),
    ("s", "next split"),
    ("D", "dark or light theme"),
    ("r", "read the database again"),
    ("ctrl+p", "all commands, by name"),
    ("tab", "next part of the screen"),
    ("? F1", "this help"),
    ("q ctrl+q", "quit"),
)
#: Actions of the arrow keys and the like, which share one line.
_MOVES = ("move(", "page(", "jump(", "walk(", "cursor_", "scroll_top", "scroll_bottom")

Row = tuple[str, str]


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,enter,question_mark", "dismiss", "Close", priority=True),
        Binding("down,pagedown", "scroll(1)", "Down", priority=True),
        Binding("up,pageup", "scroll(-1)", "Up", priority=True),
    ]

    def __init__(self, of: Screen[Any]) -> None:
        super().__init__()
        self._of = of

    def compose(self) -> ComposeResult:
        with Vertical(id="help"):
            yield Input(placeholder="type to search · esc closes", id="help-search", compact=True)
            with VerticalScroll(id="help-scroll", can_focus=False):
                yield Static(self._text(""), id="help-text")

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#help-text", Static).update(self._text(event.value))

    def action_scroll(self, direction: int) -> None:
        pane = self.query_one("#help-scroll")
        pane.scroll_relative(y=direction * max(pane.size.height // 2, 1), animate=False)

    def _text(self, search: str) -> Table:
        palette = palette_for(self.app.current_theme, self.app.no_color)
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", style=palette.warning, no_wrap=True)
        table.add_column()
        words = search.lower().split()
        for heading, rows in self._sections():
            text = heading.lower()
            matching = [
                (keys, what)
                for keys, what in rows
                if all(word in f"{keys} {what} {text}".lower() for word in words)
            ]
            if matching:
                table.add_row("", Text(heading.upper(), palette.muted))
                for keys, what in matching:
                    table.add_row(Text(keys), Text(what))
                table.add_row("", "")
        if not table.row_count:
            table.add_row("", Text(f"nothing here about {search!r}", palette.muted))
        return table

    def _sections(self) -> Iterator[tuple[str, list[Row]]]:
        own = [self._of, *self._of.query("*")]
        yield "this screen", self._keys_of([(node, type(node)) for node in own])
        shared = self._keys_of([(self._of, base) for base in type(self._of).__mro__[1:]])
        yield "everywhere", [*_EVERYWHERE, *shared]
        yield "reading it", list(_READING)
        yield "in the filter", self._filter_fields()

    def _filter_fields(self) -> list[Row]:
        if not self._of.query(FilterInput):
            return []
        return [
            (", ".join(field.values) if field.bare else f"{name}:", field.help)
            for name, field in FIELDS.items()
        ]

    def _keys_of(self, nodes: list[tuple[Any, type]]) -> list[Row]:
        """The keys that these classes bind, one line per effect."""
        keys: dict[str, dict[str, None]] = {}
        moves = False
        for node, bound in nodes:
            if not bound.__module__.startswith("nliexplorer"):
                continue
            for binding in Binding.make_bindings(bound.__dict__.get("BINDINGS", ())):
                moves = moves or binding.action.startswith(_MOVES)
                if not binding.description or binding.action.startswith(_MOVES):
                    continue
                name = binding.action.partition("(")[0]
                if isinstance(node, Screen) and name in ("filter",) and not self._filter_fields():
                    continue
                shown = self.app.get_key_display(replace(binding, key_display=None))
                keys.setdefault(binding.tooltip or binding.description, {})[shown] = None
        rows = [(" ".join(shown), what) for what, shown in keys.items()]
        if moves:
            rows.append(("↑ ↓ PgUp PgDn", "move, as j and k do; Home and End too"))
        return rows
