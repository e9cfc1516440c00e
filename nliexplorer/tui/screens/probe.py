"""Type a pair; both models predict and attribute it at once. Starts from the example in view."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, ExampleRow
from nliexplorer.tui.probe_models import Models, Probe
from nliexplorer.tui.queries import opening_row
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.state import Selection
from nliexplorer.tui.widgets.rows import Rows
from nliexplorer.view.pair import PairView
from nliexplorer.view.text import visible

#: How long typing must pause before the models are asked.
PAUSE_SECONDS = 0.3
TARGETS = ("predicted", *LABELS)
#: Screen height under which blank lines are dropped.
DENSE_BELOW = 32


class Sentence(Input):
    """While one is typed in, letters and digits are text; Escape gives the keys back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Ask now"),
        Binding("escape", "leave", "Leave the text, keys work again"),
        Binding("down", "leave", "History", show=False),
    ]

    class Left(Message):
        pass

    def action_leave(self) -> None:
        self.post_message(self.Left())


class ProbeScreen(ExplorerScreen):
    MODE = "probe"
    FILTERS = False
    AUTO_FOCUS = "#probe-history"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e,slash", "edit('hypothesis')", "Hypothesis", tooltip="edit the hypothesis"),
        Binding("p", "edit('premise')", "Premise", tooltip="edit the premise"),
        Binding(
            "o", "target", "Class", tooltip="explain the predicted class, or one of the labels"
        ),
        Binding("ctrl+n", "fresh", "New pair", tooltip="empty both sentences"),
        Binding("J,shift+down", "scroll_answer(1)", "Scroll", show=False, tooltip="scroll"),
        Binding("K,shift+up", "scroll_answer(-1)", "Scroll", show=False, tooltip="scroll"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._models = Models()
        self._history: list[Probe] = []
        self._pause: Timer | None = None
        self._target = TARGETS[0]
        self._started_from = ""

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="probe", can_focus=False):
            for name in ("premise", "hypothesis"):
                with Horizontal(classes="probe-line"):
                    yield Static(name, classes="probe-label")
                    yield Sentence(id=f"probe-{name}", compact=True, select_on_focus=False)
            yield Static(id="probe-status")
            yield Static(id="probe-answer")
        with Vertical(id="probe-history-side"):
            yield Static("history", classes="heading")
            yield Rows(id="probe-history")

    @property
    def loading_now(self) -> bool:
        """Keys never wait for the models."""
        return False

    def depends_on(self, selection: Selection) -> object:
        return tuple(run.id for run in selection.runs)

    def _usable(self, selection: Selection) -> bool:
        return bool(selection.a) or super()._usable(selection)

    def load(self, selection: Selection) -> None:
        if selection.runs:
            self._ask_soon()
        if selection.a and selection.split and not self._started_from:
            self.ask("opening", partial(opening_row, selection=selection), self._open_with)

    def _open_with(self, row: ExampleRow | None) -> None:
        """Opened before the examples: the pair that they would open at; nothing typed is lost."""
        if row and not self._started_from and not any(self._texts()):
            self._started_from = row.example_id
            self._set(row.premise, row.hypothesis)
            self.action_leave()

    def on_screen_resume(self) -> None:
        pair = self.explorer.pair_in_view
        if pair and pair.row.example_id != self._started_from:
            self._started_from = pair.row.example_id
            self._set(pair.row.premise, pair.row.hypothesis)
        if not isinstance(self.focused, Sentence):
            if all(self._texts()):
                self.action_leave()
            else:
                self.action_edit("premise")

    def _texts(self) -> tuple[str, str]:
        premise, hypothesis = (
            self.query_one(f"#probe-{name}", Input).value.strip()
            for name in ("premise", "hypothesis")
        )
        return premise, hypothesis

    def _set(self, premise: str, hypothesis: str) -> None:
        for name, text in (("premise", premise), ("hypothesis", hypothesis)):
            field = self.query_one(f"#probe-{name}", Input)
            field.value = visible(text)
            field.cursor_position = len(field.value)

    # -- asking

    def on_input_changed(self) -> None:
        self._ask_soon()

    def on_input_submitted(self) -> None:
        self._ask_now()

    def _ask_soon(self) -> None:
        if self._pause:
            self._pause.stop()
        if self.explorer.asks_models:
            self._pause = self.set_timer(PAUSE_SECONDS, self._ask_now)
        else:
            self._say("no model was asked")

    def _ask_now(self) -> None:
        if self._pause:
            self._pause.stop()
        premise, hypothesis = self._texts()
        if not premise or not hypothesis:
            self._say("type a premise and a hypothesis")
            return
        runs, target = self.selection.runs, self._target
        cold = {run.id for run in runs} - self._models.ready
        self._say("loading the models …" if cold else "asking …")
        self.work(
            "probe",
            lambda: self._models.answer(runs, premise, hypothesis, target),
            self._show,
            self._failed,
        )

    def _show(self, found: Probe) -> None:
        self._say(f"explaining the {found.target} class" if found.target in TARGETS else "")
        self._draw(found)
        if not self._history or _same(self._history[0]) != _same(found):
            self._history.insert(0, found)
            self._draw_history()

    def _failed(self, error: NliError) -> None:
        self._say("")
        text = Text().append(f"\n{visible(error.message)}\n\n", self.palette.strong)
        text.append(visible(error.hint), self.palette.muted)
        self.query_one("#probe-answer", Static).update(text)

    def _say(self, text: str) -> None:
        self.query_one("#probe-status", Static).update(Text(text, self.palette.muted))

    def _draw(self, found: Probe) -> None:
        dense = self.size.height < DENSE_BELOW
        runs, palette = found.runs, self.palette
        view = PairView(found.premise, found.hypothesis, None, runs, palette, dense=dense)
        self.query_one("#probe-answer", Static).update(view)

    def _draw_history(self) -> None:
        rows = []
        for probe in self._history:
            text = Text(visible(probe.hypothesis), no_wrap=True)
            text.append(f"   {probe.said}", self.palette.muted)
            if probe.premise != self._history[0].premise:
                text.append(f" ‹ {visible(probe.premise)}", self.palette.muted)
            rows.append(text)
        self.query_one("#probe-history", Rows).show(rows, 0)

    def look_changed(self) -> None:
        if self._history:
            self._draw(self._history[0])
            self._draw_history()

    # -- keys

    def on_rows_opened(self, event: Rows.Opened) -> None:
        probe = self._history[event.index]
        self._set(probe.premise, probe.hypothesis)
        self.action_edit("hypothesis")

    def on_sentence_left(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        self.query_one("#probe-history", Rows).focus()

    def action_edit(self, name: str) -> None:
        self.query_one(f"#probe-{name}", Input).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a sentence is typed in, every letter is text."""
        if action in ("edit", "target") and isinstance(self.focused, Sentence):
            return False
        return super().check_action(action, parameters)

    def action_scroll_answer(self, direction: int) -> None:
        pane = self.query_one("#probe")
        pane.scroll_relative(y=direction * max(pane.size.height // 2, 1), animate=False)

    def action_fresh(self) -> None:
        self._set("", "")
        self.action_edit("premise")

    def action_target(self) -> None:
        self._target = TARGETS[(TARGETS.index(self._target) + 1) % len(TARGETS)]
        self._ask_now()

    def as_dict(self) -> dict[str, Any]:
        premise, hypothesis = self._texts()
        return {
            "premise": premise,
            "hypothesis": hypothesis,
            "history": [[p.premise, p.hypothesis, p.said] for p in self._history],
        }


def _same(probe: Probe) -> tuple[str, str, str]:
    return probe.premise, probe.hypothesis, probe.target
