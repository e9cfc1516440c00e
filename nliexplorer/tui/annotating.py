"""Tags and notes, saved at once, each undoable."""

from __future__ import annotations

from collections.abc import Callable

from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.queries import PairData
from nliexplorer.tui.screens.prompt import Prompt
from nliexplorer.tui.workers import Asking

Change = Callable[[StoreWriter], object]


class Annotating(Asking):
    """Mixin of the examples screen: needs `pair`; calls `annotated` after each change."""

    pair: PairData | None
    _known: dict[str, list[str]]

    def annotated(self) -> None:
        raise NotImplementedError

    @property
    def _undone(self) -> list[tuple[str, Change]]:
        stack: list[tuple[str, Change]] = self.__dict__.setdefault("_undo_stack", [])
        return stack

    def has_pair(self, to_do: str) -> bool:
        """Whether there is a pair in view; if not, a toast says that the key did nothing."""
        if not self.pair:
            self.notify(f"no pair to {to_do}", timeout=2)
        return self.pair is not None

    def action_tag(self) -> None:
        if self.has_pair("tag"):
            known = sorted({*self._known.get("tag", ()), "check", "label error", "shortcut"})
            self.app.push_screen(Prompt("tag", "e.g. label error", known=known), self._tag)

    def _tag(self, text: str | None) -> None:
        tag = (text or "").strip()
        if not tag or not self.pair:
            return
        key = self.pair.row.example_id

        def put(writer: StoreWriter) -> None:
            writer.tag(key, tag)

        def take(writer: StoreWriter) -> None:
            writer.untag(key, tag)

        if tag in self.pair.tags:
            self._change(f"tag {tag!r} taken off", take, put)
        else:
            self._change(f"tagged {tag!r}", put, take)

    def action_note(self) -> None:
        if self.has_pair("write a note on") and self.pair:
            self.app.push_screen(Prompt("note", "empty removes it", self.pair.note), self._note)

    def _note(self, text: str | None) -> None:
        if text is None or not self.pair or text.strip() == self.pair.note:
            return
        key, old, new = self.pair.row.example_id, self.pair.note, text.strip()
        self._change(
            "note saved" if new else "note removed",
            lambda writer: writer.set_note(key, new),
            lambda writer: writer.set_note(key, old),
        )

    def action_undo(self) -> None:
        if not self._undone:
            self.notify("nothing to undo", timeout=2)
            return
        what, change = self._undone.pop()
        self._write(f"undone: {what}", change)

    def _change(self, what: str, change: Change, inverse: Change) -> None:
        self._undone.append((what, inverse))
        self._write(f"{what} · u undoes it", change)

    def _write(self, said: str, change: Change) -> None:
        def done(_: object) -> None:
            self.notify(said, timeout=3, markup=False)
            self.annotated()

        self.work("write", lambda: self.explorer.session.write(change), done, self.toast)
