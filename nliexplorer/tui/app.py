"""The explorer: one mode per screen, one shared selection, one session with the database."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import App, ScreenStackError, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from nliexplorer.errors import NliError, unknown_name
from nliexplorer.records import Run
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.ahead import Ahead
from nliexplorer.tui.key_queue import KeyQueue
from nliexplorer.tui.queries import PREVIEW_ORDERS, PairData
from nliexplorer.tui.screens.attributions import AttributionsScreen
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.screens.calibration import CalibrationScreen
from nliexplorer.tui.screens.compare import CompareScreen
from nliexplorer.tui.screens.examples import ExamplesScreen
from nliexplorer.tui.screens.help import HelpScreen
from nliexplorer.tui.screens.probe import ProbeScreen
from nliexplorer.tui.screens.runs import RunsScreen
from nliexplorer.tui.screens.slices import SlicesScreen
from nliexplorer.tui.screens.training import TrainingScreen
from nliexplorer.tui.session import Session
from nliexplorer.tui.state import History, Place, Selection, Subset, opening_pair
from nliexplorer.tui.theme import DAY, NIGHT
from nliexplorer.tui.widgets.tabs import TABS, ContextBar, TabStrip
from nliexplorer.tui.widths import MEDIUM, WIDE

#: Idle time after which other screens are computed ahead, seconds.
IDLE_SECONDS = 1.0
#: More pairs than this are not computed ahead.
MOST_AHEAD = 200_000
#: Screens whose results take a moment, in the order of their computation.
_COMPUTED = (CompareScreen, SlicesScreen, CalibrationScreen, AttributionsScreen)
#: How often the database is checked for runs of other processes, seconds.
FOLLOW_SECONDS = 1.0


class ExplorerApp(App[None]):
    """The explorer, opened with up to two `runs` (id, prefix, name or `latest`)."""

    TITLE = "nliexplorer"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (declared by Textual)
        (0, "-narrow"),
        (MEDIUM, "-medium"),
        (WIDE, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "runs": RunsScreen,
        "examples": ExamplesScreen,
        "compare": CompareScreen,
        "calibration": CalibrationScreen,
        "slices": SlicesScreen,
        "training": TrainingScreen,
        "attributions": AttributionsScreen,
        "probe": ProbeScreen,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(n), f"show('{tab[0]}')", tab[1], show=False)
            for n, tab in enumerate(TABS, 1)
        ),
        Binding("tab", "app.focus_next", "Next part", show=False),
        Binding("x", "swap", "Swap A/B", show=False, id="swap"),
        Binding("s", "next_split", "Split", show=False, id="split"),
        Binding("r", "reload", "Reload", show=False, id="reload"),
        Binding("D", "toggle_theme", "Dark/light", show=False, id="theme"),
        Binding("f1", "help", "Help", show=False, id="help-while-typing"),
        Binding("question_mark", "help", "Help", key_display="?", id="help"),
        Binding("ctrl+p", "command_palette", "Commands", show=False, id="commands"),
        Binding("q", "quit", "Quit", id="quit"),
    ]

    def __init__(
        self,
        database: Path,
        runs: tuple[str, ...] = (),
        start: str = "examples",
        light: bool = False,
        filter: Filter | None = None,
        split: str = "",
        asks_models: bool = True,
    ) -> None:
        super().__init__()
        self.session = Session(database)
        self.selection = Selection(split=split, filter=filter or Filter())
        self.ahead = Ahead(self.session)
        self._rested_at: Selection | None = None  # what was selected at the last look
        self._ahead_of: Selection | None = None  # what was computed ahead last
        self.runs: list[Run] = []
        self.pair_in_view: PairData | None = None  # of the examples screen; the probe starts there
        self.asks_models = asks_models  # False: the probe shows its pair, and no model is loaded
        self.history = History()
        self.preview_order = PREVIEW_ORDERS[0]
        self.recent_filters: list[str] = []
        self.completions: dict[str, list[str]] = {}
        self.loaded = False
        self.failure: NliError | None = None
        self._run_references = runs
        self._start = start
        self._light = light
        self._open_at = ""  # the pair that a step in the history returns to
        self._busy: set[Hashable] = set()
        self._keys = KeyQueue(self, self._deliver)

    def on_mount(self) -> None:
        self.register_theme(NIGHT)
        self.register_theme(DAY)
        self.theme = DAY.name if self._light else NIGHT.name
        self.theme_changed_signal.subscribe(self, lambda _: self._look_changed())
        self.switch_mode(self._start)
        self.call_after_refresh(self._read_runs)
        self.set_interval(FOLLOW_SECONDS, self._follow)
        self.set_interval(IDLE_SECONDS, self._compute_ahead)

    # -- the shared state

    def select(self, **changes: Any) -> None:
        """Replace parts of the selection (`a`, `b`, `split`, `filter`); the screen follows."""
        self._replace(changes)
        self._selection_changed()

    def _replace(self, changes: dict[str, Any]) -> None:
        selection = self.selection
        if changes.get("split", selection.split) != selection.split:
            changes.setdefault("subset", None)
        if "a" in changes or "b" in changes:
            a, b = changes.pop("a", selection.a), changes.pop("b", selection.b)
            selection = selection.with_runs(a, b)
        self.selection = replace(selection, **changes)

    def go(self, mode: str = "", at: str = "", **changes: Any) -> None:
        """As `select`, on the screen of this mode, at the pair with id `at`.

        The place that is left goes into the history.
        """
        if self.current_mode in self.MODES:
            self.history.leave(self._place)
        self._open_at = at
        self._replace(changes)
        self._show_at(mode or self.current_mode)

    def step(self, direction: int) -> bool:
        """Go back (-1) or forward (1) in the history; False at its end."""
        place = self.history.step(self._place, direction)
        if place is None:
            return False
        self.selection = place.selection.refreshed(self.runs)
        self._open_at = place.example_id
        self._show_at(place.mode)
        return True

    def _show_at(self, mode: str) -> None:
        """Only the screen of this mode follows the selection: the one that is left stays as is."""
        if mode != self.current_mode:
            self.switch_mode(mode)
        else:
            self._selection_changed()

    def opened_at(self) -> str:
        """The pair to show after a step in the history, once; else empty."""
        example_id, self._open_at = self._open_at, ""
        return example_id

    @property
    def trail(self) -> tuple[str, ...]:
        """The modes that going back leads through, oldest first."""
        return tuple(place.mode for place in self.history.back)

    @property
    def _place(self) -> Place:
        pair = self.pair_in_view if self.current_mode == "examples" else None
        return Place(self.current_mode, self.selection, pair.row.example_id if pair else "")

    def open_examples(self, **changes: Any) -> None:
        """Called for any cell, bin, slice or word; adds to the selection."""
        target = self.drilled_down(**changes)
        self.go("examples", **{field.name: getattr(target, field.name) for field in fields(target)})

    def drilled_down(self, **changes: Any) -> Selection:
        """What `open_examples` would select; with other runs, a subset stands for the filter."""
        selection = self.selection
        if "a" in changes:
            single = {"filter": Filter(), "subset": None, "arm_a": None, "arm_b": None}
            return replace(selection, **(single | changes))
        if filter := changes.pop("filter", None):
            changes["filter"] = selection.filter.joined(filter)
        if (subset := changes.get("subset")) and selection.subset:
            changes["subset"] = Subset(f"{selection.subset.name} › {subset.name}", subset.ids)
        return replace(selection, **changes)

    @property
    def waiting(self) -> bool:
        """Whether an answer is outstanding: the runs, or what a screen asked for."""
        return bool(self._busy) or not (self.loaded or self.failure)

    def runs_read(self, runs: list[Run]) -> None:
        """The runs as they are now; the selection keeps its runs, with what is new of them."""
        self.runs, self.failure = runs, None
        by_id = {run.id: run for run in runs}
        a, b = (by_id.get(run.id) if run else None for run in (self.selection.a, self.selection.b))
        if not self.loaded or a is None:
            a, b = self._opening(runs)
            split = self.selection.split
            if split and a and split not in a.metrics:
                self._runs_failed(unknown_name("split", split, sorted(a.metrics)))
                return
        self.loaded = True
        self.selection = self.selection.refreshed(runs)
        self.select(a=a, b=b)

    def _opening(self, runs: list[Run]) -> tuple[Run | None, Run | None]:
        by_id = {run.id: run for run in runs}
        named = [by_id[each] for each in self._run_references if each in by_id]
        if not named:
            return opening_pair(runs)
        return named[0], named[1] if len(named) > 1 else None

    @property
    def _in_view(self) -> ExplorerScreen | None:
        """The screen on top; None under an overlay, and while the app is being left."""
        try:
            screen = self.screen
        except ScreenStackError:
            return None
        return screen if isinstance(screen, ExplorerScreen) else None

    def _read_runs(self) -> None:
        if screen := self._in_view:
            screen.ask("runs-list", self._resolve_runs, self.runs_read, self._runs_failed)

    def _follow(self) -> None:
        """Show runs that other processes create, train and finish."""
        screen = self._in_view
        if self.loaded and screen and not screen.pending("runs-now"):
            screen.ask("runs-now", lambda reader: reader.runs.all(), self._runs_now, lambda _: None)

    def _runs_now(self, runs: list[Run]) -> None:
        if runs != self.runs:
            self.session.results.clear()
            self.runs_read(runs)

    def _compute_ahead(self) -> None:
        """What the other screens would show, once the selection has rested."""
        selection, rested = self.selection, self._rested_at
        self._rested_at = selection
        if selection != rested or selection == self._ahead_of or self.waiting or self.ahead.busy:
            return
        if 0 < selection.pairs <= MOST_AHEAD:
            self._ahead_of = selection
            screens = _COMPUTED if selection.b else _COMPUTED[1:]
            results = self.session.results
            self.ahead.start([screen.kept(results, selection) for screen in screens])

    def _resolve_runs(self, reader: StoreReader) -> list[Run]:
        if not self.loaded:
            self._run_references = tuple(reader.runs.get(each).id for each in self._run_references)
        return reader.runs.all()

    def _runs_failed(self, error: NliError) -> None:
        self.failure = error
        self._selection_changed()

    def _selection_changed(self) -> None:
        if screen := self._in_view:
            screen.selection_changed()

    def _look_changed(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, ExplorerScreen):
                screen.query_one(TabStrip).refresh()
                screen.query_one(ContextBar).refresh()
                screen.look_changed()

    def busy(self, task: Hashable, running: bool) -> None:
        """A background task began or ended; the context line says so if it takes a while."""
        (self._busy.add if running else self._busy.discard)(task)
        if running:
            self.set_timer(0.2, self._show_busy)
        else:
            self._show_busy()

    def _show_busy(self) -> None:
        screen = self._in_view
        if screen and screen.is_mounted:
            screen.query_one(ContextBar).busy = bool(self._busy)

    async def on_event(self, event: events.Event) -> None:
        """A key waits for what the key before it does, and for the screen if that loads."""
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        else:
            self._keys.put(event)

    def press_first(self, keys: Iterable[events.Key]) -> None:
        """Press keys that a screen held, before those that came later."""
        self._keys.put_first(keys)

    async def _deliver(self, event: events.Key) -> None:
        screen = self._in_view
        if not (screen and screen.hold(event)):
            await super().on_event(event)

    # -- actions

    def action_show(self, mode: str) -> None:
        if mode in self.MODES and mode != self.current_mode:
            self.go(mode)

    def action_swap(self) -> None:
        if self.selection.a and self.selection.b:
            now = self.selection
            self.go(a=now.b, b=now.a, arm_a=now.arm_b, arm_b=now.arm_a)
            self.notify("A and B swapped", timeout=2)

    def action_next_split(self) -> None:
        splits = self.selection.splits
        if len(splits) > 1:
            index = splits.index(self.selection.split)
            self.go(split=splits[(index + 1) % len(splits)])

    def action_reload(self) -> None:
        self.session.results.clear()
        for screen in self.screen_stack:
            if isinstance(screen, ExplorerScreen):
                screen.reload()
        self._read_runs()

    def action_toggle_theme(self) -> None:
        self.theme = NIGHT.name if self.theme == DAY.name else DAY.name

    def action_help(self) -> None:
        self.push_screen(HelpScreen(self.screen))

    async def action_quit(self) -> None:
        self.session.close()
        self.exit()

    def on_tab_strip_pressed(self, event: TabStrip.Pressed) -> None:
        self.action_show(event.mode)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for number, (mode, name, *_) in enumerate(TABS, 1):
            yield SystemCommand(
                f"{number} {name}", "Go to this screen", lambda mode=mode: self.action_show(mode)
            )
        for binding in Binding.make_bindings(type(screen).__dict__.get("BINDINGS", ())):
            if binding.tooltip:
                run = partial(screen.run_action, binding.action)
                about = f"{binding.description} · key {self.get_key_display(binding)}"
                yield SystemCommand(_sentence(binding.tooltip), about, run)
        yield SystemCommand("Swap A and B", "Exchange the two runs", self.action_swap)
        for split in self.selection.splits:
            yield SystemCommand(
                f"Split {split}", "Show this split", lambda split=split: self.go(split=split)
            )
        yield SystemCommand("Dark or light", "Switch the theme", self.action_toggle_theme)
        yield SystemCommand("Reload", "Read the database again", self.action_reload)
        yield SystemCommand(
            "Keys", "Every key of this screen", lambda: self.push_screen(HelpScreen(screen))
        )
        yield SystemCommand("Theme", "All themes", self.action_change_theme)
        yield SystemCommand("Quit", "Quit the explorer", self.action_quit)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
