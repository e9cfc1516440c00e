"""The base of every screen: header, footer, messages, loading, and the shared selection."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widgets import Input, Static

from nliexplorer.errors import NliError
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui import queries
from nliexplorer.tui.copying import Table, portable_svg
from nliexplorer.tui.results import Results
from nliexplorer.tui.state import Selection
from nliexplorer.tui.theme import palette_for
from nliexplorer.tui.widgets.filter_bar import FilterBar
from nliexplorer.tui.widgets.keys import Keys
from nliexplorer.tui.widgets.preview import Preview, PreviewPane
from nliexplorer.tui.widgets.tabs import ContextBar, TabStrip
from nliexplorer.tui.workers import WorkerScreen
from nliexplorer.view.palette import Palette
from nliexplorer.view.text import visible

#: How long a cursor must rest before the pairs under it are read.
REST_SECONDS = 0.05
#: How long a load may take before the screen says what is computed.
SAY_SECONDS = 0.2
#: Keys pressed while a screen loads that are kept.
HELD_KEYS = 64


class ExplorerScreen(WorkerScreen):
    """Shows `selection`; reloads when it is in view and the part it depends on has changed.

    While it loads, keys are held and pressed again once there is something for them to act on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        # priority: what is typed right behind it reaches the filter, not the list
        Binding("slash", "filter", "Filter", key_display="/", priority=True,
                tooltip="filter the pairs"),
        Binding("escape", "back", "Back", show=False, tooltip="back to where you were"),
        Binding("left_square_bracket", "step(-1)", "Back", show=False, key_display="[",
                tooltip="back in the history"),
        Binding("right_square_bracket", "step(1)", "Forward", show=False, key_display="]",
                tooltip="forward in the history"),
        Binding("c", "copy_command", "Command", show=False,
                tooltip="copy the equivalent shell command"),
        Binding("y", "copy(False)", "Copy", show=False, tooltip="copy what is shown as text"),
        Binding("Y", "copy(True)", "Copy", show=False, tooltip="copy what is shown as Markdown"),
        Binding("i", "preview_order", "Preview", show=False,
                tooltip="previews show errors first, disagreements first, or the list's order"),
        Binding("S", "save_picture", "Picture", show=False, tooltip="save the screen as SVG"),
    ]  # fmt: skip
    MODE: ClassVar[str] = ""
    #: Whether `/` edits the filter of pairs here.
    FILTERS: ClassVar[bool] = True
    #: Whether the screen needs a run with predictions to show anything.
    NEEDS_RUN: ClassVar[bool] = True
    #: Whether the screen follows the filter while it is typed; else on Enter.
    LIVE_FILTER: ClassVar[bool] = False
    #: What is computed while the screen loads; covers its body if that takes a moment.
    LOADING: ClassVar[str] = "reading the database …"

    def __init__(self) -> None:
        super().__init__()
        self._shown_for: object = None  # what `depends_on` was when the screen was last loaded
        self._rest: Timer | None = None
        self._in_load = False  # requests that start now belong to the load
        self._opened = False  # the runs are known, and the screen has begun to load
        self._loads: set[str] = set()  # groups of requests that the load waits for
        self._held: list[events.Key] = []
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

    def load(self, selection: Selection) -> None:
        """Request what the screen shows; called when what it depends on has changed."""
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
        two_runs, order = selection.b is not None, self.explorer.preview_order
        self.ask(
            "preview",
            lambda reader: queries.preview(reader, selection, pane.room, order),
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

    def on_filter_bar_left(self) -> None:
        self.query_one(FilterBar).close()
        self.focus_default()

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

    # -- taking something out

    def command(self) -> str:
        """The shell command that shows the same; empty where there is none."""
        selection = self.selection
        if not selection.a or selection.subset:
            return ""
        words = ["nliexplorer", "explore", *(run.name for run in selection.runs)]
        words += [f"--once={self.MODE}", f"--split={selection.split}"]
        words += [f"--filter={text}"] if (text := selection.filter.to_text()) else []
        return shlex.join(words)

    def command_of(self, name: str, *options: str, runs: Sequence[str] = ()) -> str:
        """`nliexplorer NAME A B` (or other `runs`) with split and filter; empty for a subset."""
        selection = self.selection
        if not selection.a or selection.subset:
            return ""
        first, *others = runs or [run.name for run in selection.runs]
        words = shlex.split(selection.full_filter.to_command(first, name, selection.split))
        words[3:3] = others
        return shlex.join([*words, *options])

    def table(self) -> Table | None:
        """What is shown as rows of text, for copying."""
        return None

    def action_copy_command(self) -> None:
        if command := self.command():
            self.app.copy_to_clipboard(command)
            self.notify(command, title="copied", markup=False)
        else:
            self.notify("no command shows this", severity="warning", timeout=3)

    def action_copy(self, markdown: bool) -> None:
        table = self.table()
        if table is None or not table.rows:
            self.notify("nothing to copy yet", timeout=2)
            return
        self.app.copy_to_clipboard(table.markdown() if markdown else table.text())
        form = "Markdown" if markdown else "text"
        self.notify(f"{len(table.rows):,} rows as {form}", title="copied", timeout=3)

    def action_save_picture(self) -> None:
        path = Path(f"nliexplorer-{self.MODE}-{datetime.now():%Y%m%d-%H%M%S}.svg")
        svg = portable_svg(self.app.export_screenshot())

        def save() -> Path:
            try:
                path.write_text(svg, encoding="utf-8")
            except OSError as error:
                raise NliError(
                    f"cannot write {path}: {error.strerror or error}", "start in another folder"
                ) from error
            return path

        self.work("picture", save, lambda p: self.notify(str(p), title="saved", markup=False),
                  self.toast)  # fmt: skip

    # -- loading

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
        for event in held:
            again = events.Key(event.key, event.character)
            again.set_sender(self.app)  # from this screen it would not bubble up to it
            self.app.post_message(again)

    def _show_loading(self) -> None:
        if self._loads and self.LOADING:
            loading = self.query_one("#loading", Static)
            loading.update(Text(self.LOADING, self.palette.muted))
            loading.display = True

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
        self._shown_for = None
        return False
