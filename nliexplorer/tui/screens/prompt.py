"""Small dialogs: one line of text (a tag, a note, a row), or one of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from nliexplorer.tui.widgets.rows import Rows


class Prompt(ModalScreen[str | None]):
    """Dismissed with the text, or None on Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def __init__(
        self, title: str, placeholder: str = "", value: str = "", known: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._title, self._placeholder, self._value, self._known = title, placeholder, value, known

    def compose(self) -> ComposeResult:
        with Vertical(id="prompt"):
            yield Static(self._title, id="prompt-title", markup=False)
            yield Input(
                self._value,
                placeholder=self._placeholder,
                suggester=SuggestFromList(self._known) if self._known else None,
                select_on_focus=False,
            )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class Choice(ModalScreen[int | None]):
    """Dismissed with the index of a line, or None on Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Cancel")]

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        with Vertical(id="choice"):
            yield Static(self._title, id="prompt-title", markup=False)
            yield Rows(id="choices")

    def on_mount(self) -> None:
        rows = self.query_one(Rows)
        rows.show([Text(line, no_wrap=True) for line in self._lines])
        rows.styles.height = len(self._lines)
        rows.focus()

    def on_rows_opened(self, event: Rows.Opened) -> None:
        self.dismiss(event.index)
