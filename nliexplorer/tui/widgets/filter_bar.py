"""The filter bar: one line of grammar, completed and checked while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.suggester import Suggester
from textual.widgets import Input, Static

from nliexplorer.store.filters import FIELDS, Filter, FilterError, parse_filter
from nliexplorer.store.filters.filter import KEYWORDS
from nliexplorer.tui.theme import palette_for
from nliexplorer.view.text import visible

#: Further values a field can take just now (runs, tags): field name -> values.
Known = Callable[[str], Sequence[str]]


def completions(text: str, known: Known) -> list[str]:
    """Whole texts that the last word of `text` may become, likeliest first."""
    head, _, word = text.rpartition(" ")
    prefix = f"{head} " if head else ""
    if not word:
        return []
    field, colon, value = word.partition(":")
    if colon:
        values = [*known(field), *(FIELDS[field].values if field in FIELDS else ())]
        fits = [each for each in values if each.lower().startswith(value.lower())]
        return [f"{prefix}{field}:{_quoted(each)}" for each in fits if each != value]
    names = [f"{name}:" for name in FIELDS] + list(KEYWORDS)
    return [prefix + name for name in names if name.startswith(word.lower()) and name != word]


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


class _FilterSuggester(Suggester):
    def __init__(self, known: Known) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._known = known

    async def get_suggestion(self, value: str) -> str | None:
        return next(iter(completions(value, self._known)), None)


class FilterInput(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", show=True),
        Binding("escape", "leave", "Back to the list", show=True),
        Binding("down", "leave", "List", show=False),
    ]

    class Left(Message):
        pass

    def action_complete(self) -> None:
        """Take the suggestion; without one, Tab goes on as everywhere."""
        if self._suggestion:
            self.value = self._suggestion
            self.cursor_position = len(self.value)
        else:
            self.screen.focus_next()

    def action_leave(self) -> None:
        self.post_message(self.Left())


class FilterBar(Vertical):
    """Posts `Changed` for every valid text (a moment after the last key) and on Enter."""

    hits: reactive[str] = reactive("")

    class Changed(Message):
        def __init__(self, filter: Filter, settled: bool) -> None:
            super().__init__()
            self.filter, self.settled = filter, settled

    def __init__(self, known: Known, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._known = known
        self._shown = ""
        self.error: FilterError | None = None

    def compose(self) -> ComposeResult:
        yield FilterInput(
            placeholder="filter: wrong gold:neutral len:>30 conf:>=0.9 fixed-by:… words",
            suggester=_FilterSuggester(self._known),
            compact=True,
            select_on_focus=False,
        )
        yield Static(id="filter-status")

    @property
    def input(self) -> FilterInput:
        return self.query_one(FilterInput)

    def show_filter(self, filter: Filter) -> None:
        """The filter was set elsewhere: show its text, unless the bar already says it."""
        try:
            same = parse_filter(self.input.value) == filter
        except FilterError:
            same = False
        if not same:
            self._shown = filter.to_text()
            self.input.value = self._shown
        self._say()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._parse(settled=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._parse(settled=True):
            self.input.action_leave()

    def _parse(self, settled: bool) -> bool:
        try:
            filter = parse_filter(self.input.value)
        except FilterError as error:
            self.error = error
            self._say()
            return False
        self.error = None
        self._say()
        if settled or self.input.value != self._shown:
            self._shown = self.input.value
            self.post_message(self.Changed(filter, settled))
        return True

    def watch_hits(self) -> None:
        self._say()

    def _say(self) -> None:
        if not self.is_mounted:
            return
        palette = palette_for(self.app.current_theme, self.app.no_color)
        text = Text("  ", no_wrap=True, overflow="ellipsis")
        if self.error:
            text = Text(" " * (self.error.column + 2), no_wrap=True).append("^ ", palette.wrong)
            text.append(visible(f"{self.error.message} – {self.error.hint}"))
        elif self.input.has_focus and (choices := completions(self.input.value, self._known)):
            words = [choice.rpartition(" ")[2] for choice in choices[:8]]
            text.append("tab ", palette.warning)
            text.append(visible("   ".join(words)), palette.muted)
        else:
            text.append(self.hits, palette.muted)
        self.query_one("#filter-status", Static).update(text)

    def on_descendant_focus(self) -> None:
        self._say()

    def on_descendant_blur(self) -> None:
        self.call_after_refresh(self._say)
