"""Tags and notes: each change is saved at once and can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nliexplorer.records import LABELS
from nliexplorer.store.writer import StoreWriter

Change = Callable[[StoreWriter], object]

#: Tags of the relabel mode are this and a label.
RELABEL = "relabel:"


@dataclass(frozen=True, slots=True)
class Edit:
    """A change and its inverse; `message` says what was done."""

    message: str
    change: Change
    inverse: Change


@dataclass(frozen=True, slots=True)
class Annotated:
    """A pair with its present tags."""

    example_id: str
    tags: tuple[str, ...]


#: Saves a change, shows the message, and calls back when it is saved.
Write = Callable[[Change, str, Callable[[], None]], None]


class Edits:
    """The undo stack and the last tag."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._undo: list[Edit] = []
        self.last_tag = ""

    def toggle_tag(self, pairs: Sequence[Annotated], tag: str) -> None:
        """Put the tag on the pairs that lack it; take it off if none of them does."""
        self.last_tag = tag
        lacking = [pair for pair in pairs if tag not in pair.tags]
        if lacking:
            self._apply(_tagged(lacking, tag))
        else:
            self._apply(_untagged(pairs, tag))

    def relabel(self, pairs: Sequence[Annotated], label: int) -> None:
        """Propose a gold label: one tag `relabel:LABEL` a pair, instead of an earlier one."""
        tag = RELABEL + LABELS[label]
        former = [(p, t) for p in pairs for t in p.tags if t.startswith(RELABEL) and t != tag]
        new = [pair for pair in pairs if tag not in pair.tags]

        def change(writer: StoreWriter) -> None:
            for pair, old in former:
                writer.untag(pair.example_id, old)
            for pair in new:
                writer.tag(pair.example_id, tag)

        def inverse(writer: StoreWriter) -> None:
            for pair in new:
                writer.untag(pair.example_id, tag)
            for pair, old in former:
                writer.tag(pair.example_id, old)

        self._apply(Edit(f"{_counted(pairs)}tagged {tag!r}", change, inverse))

    def set_note(self, example_id: str, old: str, new: str) -> None:
        self._apply(
            Edit(
                "note saved" if new else "note removed",
                lambda writer: writer.set_note(example_id, new),
                lambda writer: writer.set_note(example_id, old),
            )
        )

    def undo(self) -> bool:
        """Take back the last edit; False if there is none."""
        if not self._undo:
            return False
        edit = self._undo[-1]
        self._write(edit.inverse, f"undone: {edit.message}", lambda: self._undo.remove(edit))
        return True

    def _apply(self, edit: Edit) -> None:
        self._write(edit.change, f"{edit.message} · u to undo", lambda: self._undo.append(edit))


def _tagged(pairs: Sequence[Annotated], tag: str) -> Edit:
    def put(writer: StoreWriter) -> None:
        for pair in pairs:
            writer.tag(pair.example_id, tag)

    def take(writer: StoreWriter) -> None:
        for pair in pairs:
            writer.untag(pair.example_id, tag)

    return Edit(f"{_counted(pairs)}tagged {tag!r}", put, take)


def _untagged(pairs: Sequence[Annotated], tag: str) -> Edit:
    edit = _tagged(pairs, tag)
    return Edit(f"{_counted(pairs)}tag {tag!r} removed", edit.inverse, edit.change)


def _counted(pairs: Sequence[Annotated]) -> str:
    return f"{len(pairs):,} pairs: " if len(pairs) > 1 else ""
