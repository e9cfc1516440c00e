"""Tagging, relabelling and notes on the examples screen: one pair or all that are marked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nliexplorer.records import LABELS
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.screens.examples.edits import Annotated, Change, Edits
from nliexplorer.tui.screens.prompt import Choice, Prompt
from nliexplorer.view.text import visible

if TYPE_CHECKING:
    from nliexplorer.tui.screens.examples.screen import ExamplesScreen

#: Offered before any tag has been used.
SUGGESTED_TAGS = ("check", "label error", "shortcut")


class Annotations:
    """The marks, the last tag, the relabel mode and the undo stack of one examples screen."""

    def __init__(self, screen: ExamplesScreen) -> None:
        self._screen = screen
        self._edits = Edits(self._write)
        self.marked: dict[str, None] = {}  # example ids, in order of marking
        self.relabelling = False  # keys 1 to 3 propose a label

    # -- marks

    def mark(self) -> None:
        """Mark the pair under the cursor or take its mark off, and go to the next."""
        rows = self._screen.rows
        if entry := rows.row_at(rows.cursor):
            key = entry.row.example_id
            if key in self.marked:
                del self.marked[key]
            else:
                self.marked[key] = None
            self._show_marks()
            rows.action_move(1)

    def unmark(self) -> None:
        self.marked.clear()
        self._show_marks()

    def _show_marks(self) -> None:
        self._screen.rows.marked = frozenset(self.marked)
        self._screen.heading.marked = len(self.marked)

    # -- tags

    def tag(self) -> None:
        if self._screen.has_pair("tag"):
            used = self._screen.explorer.completions.get("tag", ())
            n = len(self.marked)
            title = f"tag {n:,} marked pairs" if n else "tag"
            known = sorted({*used, *SUGGESTED_TAGS})
            self._screen.app.push_screen(Prompt(title, "e.g. label error", known=known), self._tag)

    def _tag(self, text: str | None) -> None:
        if tag := (text or "").strip():
            completions = self._screen.explorer.completions
            completions["tag"] = sorted({*completions.get("tag", ()), tag})
            self._with_pairs(lambda pairs: self._edits.toggle_tag(pairs, tag))

    def repeat_tag(self) -> None:
        if not self._edits.last_tag:
            self._screen.notify("no tag to repeat yet: t adds one", timeout=2)
        elif self._screen.has_pair("tag"):
            self._tag(self._edits.last_tag)

    def tags(self) -> None:
        """Choose one of the tags in use; its pairs are listed."""
        self._screen.ask("tags", lambda reader: reader.annotations.all_tags(), self._choose_tag)

    def _choose_tag(self, counts: dict[str, int]) -> None:
        if not counts:
            self._screen.notify("no pair is tagged yet: t tags the pair in view", timeout=3)
            return
        ordered = sorted(counts, key=lambda tag: (-counts[tag], tag))
        lines = [f"{counts[tag]:>6,}  {visible(tag)}" for tag in ordered]

        def show(index: int | None) -> None:
            if index is not None:
                filter = Filter.of({"tag": ordered[index]})
                self._screen.explorer.go(filter=filter, subset=None)

        self._screen.app.push_screen(Choice("tags in use: enter lists the pairs", lines), show)

    # -- labels

    def relabel(self) -> None:
        """Switch the relabel mode on or off."""
        self.relabelling = not self.relabelling
        keys = " · ".join(f"{number} {label}" for number, label in enumerate(LABELS, 1))
        message = f"{keys} · esc ends" if self.relabelling else "off"
        self._screen.notify(message, title="relabelling")

    def propose(self, label: int) -> None:
        """Propose a gold label for the pair in view or the marked pairs."""
        self._with_pairs(lambda pairs: self._edits.relabel(pairs, label))

    # -- notes, undo

    def note(self) -> None:
        pair = self._screen.pair
        if self._screen.has_pair("write a note on") and pair:
            key, old = pair.row.example_id, pair.note

            def save(text: str | None) -> None:
                if text is not None and text.strip() != old:
                    self._edits.set_note(key, old, text.strip())

            self._screen.app.push_screen(Prompt("note", "empty removes it", old), save)

    def undo(self) -> None:
        if not self._edits.undo():
            self._screen.notify("nothing to undo", timeout=2)

    # -- reading and writing

    def _with_pairs(self, apply: Callable[[list[Annotated]], None]) -> None:
        """Call `apply` with the marked pairs, or the pair in view, and their tags."""
        keys = list(self.marked)
        if not keys and self._screen.pair:
            keys = [self._screen.pair.row.example_id]

        def read(reader: StoreReader) -> list[Annotated]:
            return [Annotated(key, reader.annotations.tags(key)) for key in keys]

        self._screen.ask("annotated", read, apply)

    def _write(self, change: Change, message: str, done: Callable[[], None]) -> None:
        def saved(_: object) -> None:
            done()
            self._screen.notify(message, timeout=3, markup=False)
            self._screen.annotated()

        session = self._screen.explorer.session
        self._screen.work("write", lambda: session.write(change), saved, self._screen.toast)
