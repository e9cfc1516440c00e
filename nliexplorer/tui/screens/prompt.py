"""One line asked of the user: a tag, a note, a place to go to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static


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
