"""Type a pair; both models predict and attribute it at once. Starts from the example in view.

Edits are compared with the pair that they started from.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, ExampleRow
from nliexplorer.tui.copying import Table
from nliexplorer.tui.queries import opening_row
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.screens.probe.answers import change_lines, edit_line, flips_first
from nliexplorer.tui.screens.probe.models import Models, Probe, WordEdit
from nliexplorer.tui.screens.probe.word_edits import edit_summary, marked_edits
from nliexplorer.tui.screens.prompt import Prompt
from nliexplorer.tui.state import Selection
from nliexplorer.tui.widgets.rows import Rows
from nliexplorer.view.pair import PairView
from nliexplorer.view.text import visible

#: How long typing must pause before the models are asked.
PAUSE_SECONDS = 0.3
#: How often the status line follows the models.
WATCH_SECONDS = 0.25
TARGETS = ("predicted", *LABELS)
#: Where pairs typed in the probe are kept.
SAVED_PAIRS = Path("probe-pairs.jsonl")
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
        Binding("e,slash", "edit('hypothesis')", "Edit", tooltip="edit the hypothesis"),
        Binding("P", "edit('premise')", "Premise", tooltip="edit the premise"),
        Binding(
            "E",
            "target",
            "Class",
            show=False,
            tooltip="explain the predicted class, or one of the labels",
        ),
        Binding(
            "F",
            "flips",
            "Flips",
            tooltip="which single word flips the prediction, replaced or removed",
        ),
        Binding(
            "ctrl+s",
            "save",
            "Save",
            show=False,
            tooltip="append the pair to probe-pairs.jsonl, with a gold label",
        ),
        Binding("ctrl+n", "fresh", "New", tooltip="empty both sentences"),
        Binding("J,shift+down", "scroll_answer(1)", "Scroll", show=False, tooltip="scroll"),
        Binding("K,shift+up", "scroll_answer(-1)", "Scroll", show=False, tooltip="scroll"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._models = Models()
        self._history: list[Probe] = []
        self._pause: Timer | None = None
        self._target = TARGETS[0]
        self._started_from = ""  # id of the example that the sentences came from
        self._original: tuple[str, str] = ("", "")  # the pair that edits are compared with
        self._watching: Timer | None = None
        self._asked_at = 0.0
        self._edits: list[WordEdit] = []

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="probe", can_focus=False):
            for name in ("premise", "hypothesis"):
                with Horizontal(classes="probe-line"):
                    yield Static(name, classes="probe-label")
                    yield Sentence(id=f"probe-{name}", compact=True, select_on_focus=False)
            yield Static(id="probe-status")
            yield Static(id="probe-answer")
        with Vertical(id="probe-history-side"):
            yield Static("history", id="probe-history-title", classes="heading")
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
        self._original = self._texts()

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
        self._watch()
        self.work(
            "probe",
            lambda: self._models.answer(runs, premise, hypothesis, target),
            self._show,
            self._failed,
        )

    def _show(self, probe: Probe) -> None:
        self._say(f"explaining the {probe.target} class" if probe.target in TARGETS else "")
        if not all(self._original):
            self._original = probe.pair
        if not self._history or _same(self._history[0]) != _same(probe):
            self._history.insert(0, probe)
        self._edits = []
        self._draw(probe)
        self._draw_history()

    def _failed(self, error: NliError) -> None:
        self._say("")
        text = Text().append(f"\n{visible(error.message)}\n\n", self.palette.strong)
        text.append(visible(error.hint), self.palette.muted)
        self.query_one("#probe-answer", Static).update(text)

    def _watch(self) -> None:
        """Say what the models are at, and for how long, until they have answered."""
        self._asked_at = monotonic()
        if self._watching is None:
            self._watching = self.set_interval(WATCH_SECONDS, self._say_stage)

    def _say_stage(self) -> None:
        if self.pending("probe") or self.pending("flips"):
            self._say(f"{self._models.stage} … {monotonic() - self._asked_at:.0f} s")
        elif self._watching:
            self._watching.stop()
            self._watching = None

    def _say(self, text: str) -> None:
        self.query_one("#probe-status", Static).update(Text(text, self.palette.muted))

    def _draw(self, probe: Probe) -> None:
        dense = self.size.height < DENSE_BELOW
        palette = self.palette
        view = PairView(probe.premise, probe.hypothesis, None, probe.runs, palette, dense=dense)
        parts: list[RenderableType] = [view]
        if probe.pair != self._original:
            parts = [marked_edits(self._original, probe.pair, palette), *self._moved(probe), view]
        self.query_one("#probe-answer", Static).update(Group(*parts))

    def _moved(self, probe: Probe) -> Iterator[Text]:
        before = next((each for each in self._history if each.pair == self._original), None)
        return iter(()) if before is None else change_lines(before, probe, self.palette)

    def _draw_history(self) -> None:
        """Newest first: what was said, then which words changed against the original."""
        rows = []
        for probe in self._history:
            text = Text(f"{probe.summary}   ", self.palette.muted, no_wrap=True)
            changed = edit_summary(self._original, probe.pair)
            text.append(changed or visible(probe.hypothesis), "" if changed else self.palette.faint)
            rows.append(text)
        self.query_one("#probe-history-title", Static).update("history")
        self.query_one("#probe-history", Rows).show(rows, 0)

    def look_changed(self) -> None:
        if self._history:
            self._draw(self._history[0])
            self._draw_history()

    # -- keys

    def on_rows_opened(self, event: Rows.Opened) -> None:
        """The pair of this line again, for further edits of the same original."""
        lines: Sequence[Probe | WordEdit] = self._edits or self._history
        original = self._original
        self._set(lines[event.index].premise, lines[event.index].hypothesis)
        self._original = original
        self.action_edit("hypothesis")

    def on_sentence_left(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        self.query_one("#probe-history", Rows).focus()

    def action_edit(self, name: str) -> None:
        self.query_one(f"#probe-{name}", Input).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a sentence is typed in, every letter is text."""
        if action in ("edit", "target", "flips") and isinstance(self.focused, Sentence):
            return False
        return super().check_action(action, parameters)

    def action_scroll_answer(self, direction: int) -> None:
        pane = self.query_one("#probe")
        pane.scroll_relative(y=direction * max(pane.size.height // 2, 1), animate=False)

    def action_fresh(self) -> None:
        self._set("", "")
        self.action_edit("premise")

    def action_flips(self) -> None:
        """Ask about the pair less each one of its words."""
        (premise, hypothesis), runs = self._texts(), self.selection.runs
        if not premise or not hypothesis or not self.explorer.asks_models:
            return
        self._watch()
        self.work(
            "flips",
            lambda: self._models.edit_each_word(runs, premise, hypothesis),
            self._show_flips,
            self._failed,
        )

    def _show_flips(self, edits: list[WordEdit]) -> None:
        """Words whose change changes a prediction come first."""
        whole = next((each for each in self._history if each.pair == self._texts()), None)
        if whole is None or not edits:
            self._say("")
            return
        self._edits, flipped = flips_first(edits, [run.predicted for run in whole.runs])
        count = sum(map(bool, flipped))
        how = "replacing" if edits[0].other else "removing"
        self._say(f"{how} one word flips a prediction in {count} of {len(edits)} cases")
        title = f"{how} one word: enter edits it, esc shows the history"
        self.query_one("#probe-history-title", Static).update(title)
        rows = [
            edit_line(edit, runs, self.palette)
            for edit, runs in zip(self._edits, flipped, strict=True)
        ]
        self.query_one("#probe-history", Rows).show(rows, 0)
        self.action_leave()

    def action_back(self) -> None:
        """From the single words back to the history, else a step back."""
        if self._edits:
            self._edits = []
            self._draw_history()
        else:
            super().action_back()

    def action_save(self) -> None:
        if all(self._texts()):
            prompt = Prompt("gold label", "entailment, neutral, contradiction; empty for none")
            self.app.push_screen(prompt, self._save)

    def _save(self, label: str | None) -> None:
        if label is None:
            return
        premise, hypothesis = self._texts()

        def write() -> str:
            row = {"premise": premise, "hypothesis": hypothesis, "label": _label(label)}
            try:
                with SAVED_PAIRS.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            except OSError as error:
                raise NliError(f"cannot write {SAVED_PAIRS}: {error.strerror or error}",
                               "start in another folder") from error  # fmt: skip
            return f"nliexplorer evaluate RUN --data {SAVED_PAIRS}"

        self.work("save", write,
                  lambda hint: self.notify(hint, title=f"added to {SAVED_PAIRS}", markup=False),
                  self.toast)  # fmt: skip

    def command(self) -> str:
        premise, hypothesis = self._texts()
        names = [run.name for run in self.selection.runs]
        words = ["nliexplorer", "explain", *names]
        return shlex.join([*words, f"--premise={premise}", f"--hypothesis={hypothesis}"])

    def table(self) -> Table:
        rows = [[each.premise, each.hypothesis, each.summary] for each in self._history]
        return Table(
            ["premise", "hypothesis", " · ".join(r.name for r in self.selection.runs)], rows
        )

    def action_target(self) -> None:
        self._target = TARGETS[(TARGETS.index(self._target) + 1) % len(TARGETS)]
        self._ask_now()

    def as_dict(self) -> dict[str, Any]:
        premise, hypothesis = self._texts()
        return {
            "premise": premise,
            "hypothesis": hypothesis,
            "history": [[p.premise, p.hypothesis, p.summary] for p in self._history],
        }


def _label(text: str) -> str | None:
    """A label by the beginning of its name; None for an empty text."""
    if not (begun := text.strip().lower()):
        return None
    names = [name for name in LABELS if name.startswith(begun)]
    if not names:
        raise NliError(f"{text!r} is no label", f"one of: {', '.join(LABELS)}")
    return names[0]


def _same(probe: Probe) -> tuple[str, str, str]:
    return probe.premise, probe.hypothesis, probe.target
