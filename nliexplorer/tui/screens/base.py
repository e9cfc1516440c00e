"""The base of every screen: header, footer, messages, loading, and the shared selection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widgets import Input, Static

from nliexplorer.errors import NliError
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui import queries
from nliexplorer.tui.results import Results
from nliexplorer.tui.screens.copying_screen import CopyingScreen
from nliexplorer.tui.state import Selection
from nliexplorer.tui.widgets.filter_bar import FilterBar
from nliexplorer.tui.widgets.keys import Keys
from nliexplorer.tui.widgets.preview import Preview, PreviewPane
from nliexplorer.tui.widgets.tabs import ContextBar, TabStrip
from nliexplorer.view.text import visible

#: How long a cursor must rest before the pairs under it are read.
REST_SECONDS = 0.05


class ExplorerScreen(CopyingScreen):
    """Shows the shared selection, and follows it: filter, history, previews, messages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # priority: what is typed right behind it reaches the filter, not the list
        Binding("slash", "filter", "Filter", key_display="/", priority=True,
                tooltip="filter the pairs"),
        Binding("escape", "back", "Back", show=False, tooltip="back to where you were"),
        Binding("left_square_bracket", "step(-1)", "Back", show=False, key_display="[",
                tooltip="back in the history"),
        Binding("right_square_bracket", "step(1)", "Forward", show=False, key_display="]",
                tooltip="forward in the history"),
        Binding("i", "preview_order", "Preview", show=False,
                tooltip="previews show errors first, disagreements first, or the list's order"),
    ]  # fmt: skip
    #: Whether `/` edits the filter of pairs here.
    FILTERS: ClassVar[bool] = True
    #: Whether the screen needs a run with predictions to show anything.
    NEEDS_RUN: ClassVar[bool] = True
    #: Whether the screen follows the filter while it is typed; else on Enter.
    LIVE_FILTER: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._rest: Timer | None = None
        self.nothing_selected = False  # nothing can be shown of what is selected

    def compose(self) -> ComposeResult:
        yield TabStrip(self.MODE, self.explorer.session.path)
        yield ContextBar()
        yield Static(id="notice")
        if self.FILTERS:
            yield FilterBar(self.explorer, live=self.LIVE_FILTER, id="filter-bar")
        with Container(id="body"):
            yield from self.compose_body()
            yield Static(id="loading")
        yield Keys(show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        raise NotImplementedError

    @classmethod
    def compute(cls, reader: StoreReader, selection: Selection) -> Any:
        """What the screen shows of this selection, where that takes long enough to be kept."""
        raise NotImplementedError

    @classmethod
    def kept(cls, results: Results, selection: Selection) -> Callable[[StoreReader], Any]:
        """A query for `compute`, answered from the session's results where it was asked before."""
        key, rows = (cls.MODE, *selection.scope), selection.pairs * len(selection.all_runs)
        return lambda reader: results.get(key, rows, lambda: cls.compute(reader, selection))

    def depends_on(self, selection: Selection) -> object:
        """The part of the selection that this screen depends on."""
        return selection.scope if self.FILTERS else (selection.runs, selection.split)

    def as_dict(self) -> dict[str, Any]:
        """What the screen shows, as JSON values (`explore --once SCREEN --json`)."""
        return {}

    def opening(self) -> tuple[str, dict[str, Any]] | None:
        """What Enter would open just now: its name, and the change of the selection."""
        return None

    def preview(self) -> None:
        """Show the first pairs of `opening`, a moment after the cursor came to rest."""
        if self._rest:
            self._rest.stop()
        self._rest = self.set_timer(REST_SECONDS, self._preview)

    def _preview(self) -> None:
        panes, opening = self.query(PreviewPane), self.opening()
        if not panes or opening is None or not panes.first().room:
            return
        pane, (name, changes) = panes.first(), opening
        selection = self.explorer.drilled_down(**changes)
        two_runs, order, room = selection.b is not None, self.explorer.preview_order, pane.room
        self.ask(
            "preview",
            lambda reader: queries.preview(reader, selection, room, order),
            lambda rows: pane.show(Preview(name, rows, two_runs, order)),
            lambda _: pane.show(None),
        )

    def on_preview_pane_resized(self) -> None:
        self.preview()

    def action_preview_order(self) -> None:
        orders = queries.PREVIEW_ORDERS
        index = orders.index(self.explorer.preview_order)
        self.explorer.preview_order = orders[(index + 1) % len(orders)]
        self.preview()

    def open_it(self) -> None:
        """Enter: the examples of `opening`."""
        if opening := self.opening():
            self.explorer.open_examples(**opening[1])

    # -- the filter, the history

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A slash typed into the filter is a slash."""
        if action == "filter" and (not self.FILTERS or isinstance(self.focused, Input)):
            return False
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        self.query_one(FilterBar).edit()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """The first change of an edit is a step in the history, the rest belong to it."""
        if event.filter != self.selection.filter:
            change = self.explorer.go if event.first else self.explorer.select
            change(filter=event.filter)

    def on_filter_bar_left(self, event: FilterBar.Left) -> None:
        self.query_one(FilterBar).close()
        self.focus_default()
        if event.undone:  # to the same pair, too
            self.explorer.step(-1)

    def focus_default(self) -> None:
        """Focus what takes the keys of this screen."""
        if self.AUTO_FOCUS:
            self.query_one(self.AUTO_FOCUS).focus()

    def action_back(self) -> None:
        """A step back; where there is none, out of a selection without pairs."""
        if self.nothing_selected and not self.explorer.trail:
            self.explorer.go(filter=Filter(), subset=None)
        else:
            self.action_step(-1)

    def action_step(self, direction: int) -> None:
        if not self.explorer.step(direction):
            where = "back" if direction < 0 else "forward"
            self.notify(f"nothing to go {where} to", timeout=2)

    def read_completions(self) -> None:
        """Runs and tags that the filter bar offers, as they are now."""
        runs, selection = self.explorer.runs, self.selection
        self.ask("completions", lambda reader: queries.known_values(reader, runs, selection),
                 self.explorer.completions.update)  # fmt: skip

    def on_mount(self) -> None:
        self.selection_changed()

    def on_screen_resume(self) -> None:
        self.selection_changed()

    def selection_changed(self) -> None:
        """The selection may have changed: show it if this is the screen in view."""
        if not self.is_mounted:
            return
        selection = self.selection
        context = self.query_one(ContextBar)
        context.selection, context.trail = selection, self.explorer.trail
        if self.FILTERS:
            self.query_one(FilterBar).show_filter(selection.filter)
        if not self.NEEDS_RUN or self._usable(selection):
            self._load_if_changed(selection)
        if self.explorer.loaded or self.explorer.failure:
            self._opened = True
        self.release_keys()

    def show_failure(self, error: NliError) -> None:
        empty = self.FILTERS and not self.selection.is_whole
        hint = f"{error.hint} · esc goes back" if empty else error.hint
        self.nothing_selected = empty
        self.notice(error.message, hint)

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
        self.nothing_selected = False
        self.query_one("#notice", Static).display = False
        self.query_one("#body").display = True

    def _usable(self, selection: Selection) -> bool:
        if self.explorer.failure:
            self.show_failure(self.explorer.failure)
        elif not selection.a and self.explorer.loaded:
            self.notice(
                "this database has no runs yet",
                "make some: nliexplorer demo · nliexplorer train · nliexplorer import FILE",
            )
        elif selection.a and not selection.split:
            self.notice(
                f"{selection.a.name} has no predictions yet",
                "wait for its evaluation, or choose another run on screen 1",
            )
        else:
            return bool(selection.a)
        self._shown_for = None
        return False
