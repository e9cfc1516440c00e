"""What every screen has: the top lines, the footer, a place for errors, a share in the state."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from nliexplorer.errors import NliError
from nliexplorer.tui import queries
from nliexplorer.tui.state import Selection
from nliexplorer.tui.theme import palette_for
from nliexplorer.tui.widgets.keys import Keys
from nliexplorer.tui.widgets.preview import Preview, PreviewPane
from nliexplorer.tui.widgets.tabs import ContextBar, TabStrip
from nliexplorer.tui.workers import Asking
from nliexplorer.view.palette import Palette
from nliexplorer.view.text import visible

#: How long a cursor must rest before the pairs under it are read.
REST_SECONDS = 0.05


class ExplorerScreen(Asking, Screen[None]):
    """A screen shows `selection`; it reloads when it is seen and its part of that changed."""

    MODE: ClassVar[str] = ""
    #: Whether the screen needs a run with predictions to show anything.
    NEEDS_RUN: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._seen: object = None
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TabStrip(self.MODE, self.explorer.session.path)
        yield ContextBar()
        yield Static(id="notice")
        with Container(id="body"):
            yield from self.compose_body()
        yield Keys(show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        raise NotImplementedError

    def load(self, selection: Selection) -> None:
        """Ask for what the screen shows; called when its part of the state changed."""
        raise NotImplementedError

    def concern(self, selection: Selection) -> object:
        """The part of the state that this screen depends on."""
        return (selection.runs, selection.split)

    def as_dict(self) -> dict[str, Any]:
        """What the screen shows, as JSON values (`explore --once SCREEN --json`)."""
        return {}

    def opening(self) -> tuple[str, dict[str, Any]] | None:
        """What Enter would open just now: its name, and the change of the selection."""
        return None

    def preview(self) -> None:
        """Show the first pairs of `opening`, a moment after the cursor came to rest."""
        if self._resting:
            self._resting.stop()
        self._resting = self.set_timer(REST_SECONDS, self._preview)

    def _preview(self) -> None:
        panes, opening = self.query(PreviewPane), self.opening()
        if not panes or opening is None or not panes.first().room:
            return
        pane, (name, changes) = panes.first(), opening
        chosen = self.explorer.opened(**changes)
        two = chosen.b is not None
        self.ask(
            "preview",
            lambda reader: queries.preview(reader, chosen, pane.room),
            lambda rows: pane.show(Preview(name, rows, two)),
            lambda _: pane.show(None),
        )

    def open_it(self) -> None:
        """Enter: the examples of `opening`."""
        if opening := self.opening():
            self.explorer.open_examples(**opening[1])

    @property
    def palette(self) -> Palette:
        return palette_for(self.app.current_theme, self.app.no_color)

    @property
    def selection(self) -> Selection:
        return self.explorer.selection

    def on_mount(self) -> None:
        self.selection_changed()

    def on_screen_resume(self) -> None:
        self.selection_changed()

    def selection_changed(self) -> None:
        """The state may have changed: show it, if this is the screen in view."""
        if not self.is_mounted:
            return
        selection = self.selection
        self.query_one(ContextBar).selection = selection
        if self.NEEDS_RUN and not self._usable(selection):
            return
        concern = self.concern(selection)
        if concern != self._seen:
            self._seen = concern
            self.clear_notice()
            self.load(selection)

    def reload(self) -> None:
        """Everything anew, as for a changed database."""
        self._seen = None
        self.selection_changed()

    def look_changed(self) -> None:
        """Theme or size changed: what was drawn with a palette is drawn again."""
        self.reload()

    def show_failure(self, error: NliError) -> None:
        self.notice(error.message, error.hint)

    def notice(self, message: str, hint: str = "", *, hide_body: bool = True) -> None:
        """A clear message in place of the screen's body."""
        text = Text(justify="center")
        text.append(visible(message), self.palette.strong)
        if hint:
            text.append("\n\n" + visible(hint), self.palette.muted)
        notice = self.query_one("#notice", Static)
        notice.update(text)
        notice.display = True
        self.query_one("#body").display = not hide_body

    def clear_notice(self) -> None:
        self.query_one("#notice", Static).display = False
        self.query_one("#body").display = True

    def _usable(self, selection: Selection) -> bool:
        if self.explorer.failure:
            self.show_failure(self.explorer.failure)
        elif not selection.a and self.explorer.loaded:
            self.notice(
                "this database holds no runs yet",
                "make some: nliexplorer demo · nliexplorer train · nliexplorer import FILE",
            )
        elif selection.a and not selection.split:
            self.notice(
                f"{selection.a.name} has no predictions yet",
                "wait for its evaluation, or choose another run on screen 1",
            )
        else:
            return bool(selection.a)
        self._seen = None
        return False
