"""The filter bar: one line of the filter language, completed and checked while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Input, Static

from nliexplorer.errors import NliError
from nliexplorer.store.filters import (
    FIELDS,
    Filter,
    FilterError,
    bare_words,
    find_key,
    parse_filter,
    sort_names,
)
from nliexplorer.tui.theme import palette_for
from nliexplorer.view.text import visible

#: How long typing must pause before the list follows; Enter does not wait.
TYPING_SECONDS = 0.12

_HINT = "words, /regex/, or a field: gold: pred: len: conf: b.conf: tag: sort: … · -not · (a | b)"

#: How many earlier filters are kept.
RECENT = 50

#: Further values a field can take just now (runs, tags): field name -> values.
Known = Callable[[str], Sequence[str]]


def completions(text: str, known: Known) -> list[str]:
    """Whole texts that the last word of `text` may become, likeliest first."""
    head, space, word = text.rpartition(" ")
    plain = word.lstrip("-(")  # negated, or the first in a bracket
    prefix = head + space + word[: len(word) - len(plain)]
    if not plain:
        return []
    name, colon, value = plain.partition(":")
    if not colon:
        return [prefix + each for each in _names(plain.lower(), known) if each != plain]
    before, comma, last = value.rpartition(",")
    choices = [each for each in _values(name, known) if each.lower().startswith(last.lower())]
    prefix += f"{name}:{before}{comma}"
    return [prefix + _quoted(each) for each in choices if each != last]


def _names(begun: str, known: Known) -> list[str]:
    """Names of fields with their colon, and words with a meaning of their own."""
    names = [f"{field.name}." if field.argument else f"{field.name}:" for field in FIELDS.values()]
    names += bare_words()
    if begun.startswith("b."):
        names += [f"b.{name}:" for name, field in FIELDS.items() if field.per_run]
        names += [f"b.{word}" for word in bare_words()]
    if "." in begun:
        names += [
            f"{f.name}.{each}:" for f in FIELDS.values() if f.argument for each in known(f.name)
        ]
    return [name for name in names if name.startswith(begun)]


def _values(name: str, known: Known) -> list[str]:
    """What may follow the colon: what is known just now, then what the field names itself."""
    try:
        key = find_key(name)
    except NliError:
        key = None
    if key is None:
        return []
    if key.field.name == "sort":
        return [f"{sign}{each}" for each in sort_names() for sign in ("", "-")]
    return [*known(key.field.name), *key.field.completions]


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if set(value) & set(' ",()') else value


class _FilterSuggester(Suggester):
    def __init__(self, known: Known) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._known = known

    async def get_suggestion(self, value: str) -> str | None:
        return next(iter(completions(value, self._known)), None)


class FilterMemory(Protocol):
    """What filter bars share: earlier filters, newest last, and values known to the database."""

    recent_filters: list[str]
    completions: dict[str, list[str]]


class FilterInput(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", tooltip="complete the word in the filter"),
        Binding("enter", "submit", "Apply", tooltip="apply the filter"),
        Binding("escape", "cancel", "Cancel", tooltip="leave the filter as it was"),
        Binding("up", "recall(-1)", "Earlier", tooltip="recall an earlier filter"),
        Binding("down", "recall(1)", "Later", show=False, tooltip="a later filter again"),
    ]

    class Cancelled(Message):
        pass

    class Recalled(Message):
        def __init__(self, direction: int) -> None:
            super().__init__()
            self.direction = direction

    def __init__(self, known: Known) -> None:
        super().__init__(
            placeholder="filter: wrong gold:neutral len:>30 conf:>=0.9 fixed-by:… words",
            suggester=_FilterSuggester(known),
            compact=True,
            select_on_focus=False,
        )
        self._known = known

    def action_complete(self) -> None:
        """Take the first completion; without one, Tab goes on as everywhere."""
        if choices := completions(self.value, self._known):
            self.put(choices[0])
        else:
            self.screen.focus_next()

    def action_cancel(self) -> None:
        self.post_message(self.Cancelled())

    def action_recall(self, direction: int) -> None:
        self.post_message(self.Recalled(direction))

    def put(self, text: str) -> None:
        """Replace the text; the cursor goes to its end."""
        self.value = text
        self.cursor_position = len(text)


class FilterBar(Vertical):
    """Posts `Changed` for a new valid text: on Enter and, if `live`, a moment after the last key.

    Escape brings back the text as it was before the edit. Below the text it shows what is wrong
    with it or, while typing, what may follow. Unless live, the bar shows only during an edit.
    """

    class Changed(Message):
        """`first`: of this edit."""

        def __init__(self, filter: Filter, first: bool) -> None:
            super().__init__()
            self.filter, self.first = filter, first

    class Left(Message):
        """The edit is over; `undone`: changes of it that were posted are to be taken back."""

        def __init__(self, undone: bool = False) -> None:
            super().__init__()
            self.undone = undone

    def __init__(self, memory: FilterMemory, live: bool, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._memory, self._live = memory, live
        self._applied = ""  # the text last applied
        self._before = ""  # the text when the edit began
        self._changes = 0  # posted in this edit
        self._recalled = 0  # steps back in the earlier filters
        self._typing: Timer | None = None
        self.error: FilterError | None = None
        self.display = live

    def compose(self) -> ComposeResult:
        yield FilterInput(self._known)
        yield Static(id="filter-status")

    def _known(self, field: str) -> Sequence[str]:
        return self._memory.completions.get(field, ())

    @property
    def input(self) -> FilterInput:
        return self.query_one(FilterInput)

    def edit(self) -> None:
        """Begin an edit behind the present text."""
        self.display = True
        self._before, self._changes, self._recalled = self._applied, 0, 0
        text = self.input.value
        self.input.put(f"{text} " if text and not text.endswith(" ") else text)
        self.input.focus()

    def close(self) -> None:
        self.display = self._live

    def show_filter(self, filter: Filter) -> None:
        """The filter was set elsewhere: show its text, unless the bar already says it.

        What is being typed stays: it is applied a moment after the last key.
        """
        said = self._applied if self.input.has_focus else self.input.value
        try:
            same = parse_filter(said) == filter
        except FilterError:
            same = False
        if not same:
            self._applied = filter.to_text()
            self.input.put(self._applied)
        self._say()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._typing:
            self._typing.stop()
        self._check()
        if self._live:
            self._typing = self.set_timer(TYPING_SECONDS, self._apply)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._apply():
            text = self.input.value.strip()
            if text:
                earlier = [each for each in self._memory.recent_filters if each != text]
                self._memory.recent_filters = [*earlier, text][-RECENT:]
            self.post_message(self.Left())

    def on_filter_input_cancelled(self, event: FilterInput.Cancelled) -> None:
        event.stop()
        self._applied = self._before
        self.input.put(self._before)
        self.post_message(self.Left(undone=self._changes > 0))

    def on_filter_input_recalled(self, event: FilterInput.Recalled) -> None:
        """Up and Down walk the earlier filters; Down at the newest applies and leaves."""
        event.stop()
        earlier = [text for text in self._memory.recent_filters if text != self._before.strip()]
        steps = self._recalled - event.direction
        if steps < 0:
            self.run_worker(self.input.action_submit())
        elif steps <= len(earlier):
            self._recalled = steps
            self.input.put(earlier[-steps] if steps else self._before)

    def _check(self) -> Filter | None:
        """The filter that the text says, or None, with what is wrong shown below it."""
        filter, self.error = None, None
        try:
            filter = parse_filter(self.input.value)
        except FilterError as error:
            self.error = error
        self._say()
        return filter

    def _apply(self) -> bool:
        if self._typing:
            self._typing.stop()
        filter = self._check()
        if filter is not None and self.input.value.strip() != self._applied.strip():
            self._applied = self.input.value.strip()
            self._changes += 1
            self.post_message(self.Changed(filter, self._changes == 1))
        return filter is not None

    def _say(self) -> None:
        if not self.is_mounted:
            return
        palette = palette_for(self.app.current_theme, self.app.no_color)
        text = Text("  ", no_wrap=True, overflow="ellipsis")
        value, focused = self.input.value, self.input.has_focus
        choices = completions(value, self._known) if focused else []
        # a word that may yet become something is no error while it is typed
        if self.error and not (choices and self.error.column >= value.rfind(" ") + 1):
            text = Text(" " * (self.error.column + 2), no_wrap=True).append("^ ", palette.wrong)
            text.append(visible(f"{self.error.message} – {self.error.hint}"))
        elif choices:
            words = [choice.rpartition(" ")[2] for choice in choices[:8]]
            text.append("tab ", palette.warning)
            text.append(visible("   ".join(words)), palette.muted)
        elif focused:
            text.append(_HINT, palette.muted)
        self.set_class(bool(self.error) or focused, "-talking")
        self.query_one("#filter-status", Static).update(text)

    def on_descendant_focus(self) -> None:
        self._say()

    def on_descendant_blur(self) -> None:
        self.call_after_refresh(self._say)
