"""Loading what a screen shows; keys pressed meanwhile wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.widgets import Input, Static

from nliexplorer.tui.state import Selection
from nliexplorer.tui.theme import palette_for
from nliexplorer.tui.workers import WorkerScreen
from nliexplorer.view.palette import Palette

#: How long a load may take before the screen says what is computed.
SAY_SECONDS = 0.2
#: Keys pressed while a screen loads that are kept.
HELD_KEYS = 64


class LoadingScreen(WorkerScreen):
    """Reloads when it is in view and the part of the selection that it depends on has changed.

    While it loads, keys are held and pressed again once there is something for them to act on.
    """

    MODE: ClassVar[str] = ""
    #: What is computed while the screen loads; covers its body if that takes a moment.
    LOADING: ClassVar[str] = "reading the database …"

    def __init__(self) -> None:
        super().__init__()
        self._shown_for: object = None  # what `depends_on` was when the screen was last loaded
        self._in_load = False  # requests that start now belong to the load
        self._opened = False  # the runs are known, and the screen has begun to load
        self._loads: set[str] = set()  # groups of requests that the load waits for
        self._held: list[events.Key] = []

    @property
    def palette(self) -> Palette:
        return palette_for(self.app.current_theme, self.app.no_color)

    @property
    def selection(self) -> Selection:
        return self.explorer.selection

    def load(self, selection: Selection) -> None:
        """Request what the screen shows; called when what it depends on has changed."""
        raise NotImplementedError

    def depends_on(self, selection: Selection) -> object:
        """The part of the selection that this screen depends on."""
        raise NotImplementedError

    def selection_changed(self) -> None:
        """The selection may have changed: show it if this is the screen in view."""
        raise NotImplementedError

    def clear_notice(self) -> None:
        """Show the body again."""
        raise NotImplementedError

    @property
    def loading_now(self) -> bool:
        """Whether there is nothing yet that a key could act on."""
        return bool(self._loads) or not self._opened

    def hold(self, event: events.Key) -> bool:
        """Whether the key waits until the screen has loaded; keys of the application never do."""
        if not self.loading_now or isinstance(self.focused, Input):
            return False
        if event.key in self._keys_while_loading():
            self._held.clear()
            return False
        if len(self._held) < HELD_KEYS:
            self._held.append(event)
        return True

    def _keys_while_loading(self) -> set[str]:
        bindings = Binding.make_bindings(type(self.app).BINDINGS)
        return {key for binding in bindings for key in binding.key.split(",")} | {"escape"}

    def request_started(self, group: str) -> None:
        if self._in_load:
            self._loads.add(group)

    def show_result(self, group: str, show: Callable[[], None]) -> None:
        """A request that the result of a load starts belongs to the load as well."""
        self._in_load = group in self._loads
        self._loads.discard(group)
        show()
        self._in_load = False
        if not self._loads:
            self.query_one("#loading").display = False
        self.release_keys()

    def release_keys(self) -> None:
        """Press the held keys again, in order, if the screen has loaded."""
        if self.loading_now:
            return
        held, self._held = self._held, []
        self.explorer.press_first(held)

    def _show_loading(self) -> None:
        if self._loads and self.LOADING:
            loading = self.query_one("#loading", Static)
            loading.update(Text(self.LOADING, self.palette.muted))
            loading.display = True

    def _load_if_changed(self, selection: Selection) -> None:
        depends_on = self.depends_on(selection)
        if depends_on == self._shown_for:
            return
        self._shown_for = depends_on
        self.clear_notice()
        self._in_load = True
        self.load(selection)
        self._in_load = False
        self.set_timer(SAY_SECONDS, self._show_loading)

    def reload(self) -> None:
        """Load again, as for a changed database."""
        self._shown_for = None
        self.selection_changed()

    def look_changed(self) -> None:
        """Theme or size changed: what was drawn with a palette is drawn again."""
        self.reload()
