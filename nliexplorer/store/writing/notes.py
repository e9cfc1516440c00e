"""Tags and notes on pairs, and saved filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nliexplorer.errors import NliError
from nliexplorer.store.connection import now
from nliexplorer.store.writing.base import WriterBase


def checked_tag(tag: str) -> str:
    """`tag` without surrounding spaces; refuses what cannot be one."""
    tag = tag.strip()
    if not tag or len(tag) > 100 or not tag.isprintable():
        raise NliError(f"{tag[:40]!r} cannot be a tag", "use 1 to 100 printable characters")
    return tag


class NotesWriter(WriterBase):
    """Tags, notes, saved filters."""

    def annotate(self, annotations: Iterable[tuple[str, Sequence[str], str]]) -> None:
        """(example key, tags, note) of many pairs, all or none; an empty note changes no note."""
        with self.transaction():
            for key, tags, note in annotations:
                for tag in tags:
                    self.tag(key, tag)
                if note.strip():
                    self.set_note(key, note)

    def tag(self, example_key: str, tag: str) -> None:
        tag = checked_tag(tag)
        with self.transaction() as connection:
            connection.execute(
                "insert or ignore into tags (example_id, tag, created_at) values (?, ?, ?)",
                (self._example(example_key), tag, now()),
            )

    def untag(self, example_key: str, tag: str) -> None:
        with self.transaction() as connection:
            connection.execute(
                "delete from tags where example_id = ? and tag = ?",
                (self._example(example_key), tag.strip()),
            )

    def set_note(self, example_key: str, text: str) -> None:
        """An empty text removes the note."""
        with self.transaction() as connection:
            example = self._example(example_key)
            connection.execute("delete from notes where example_id = ?", (example,))
            if text.strip():
                connection.execute(
                    "insert into notes (example_id, text, updated_at) values (?, ?, ?)",
                    (example, text, now()),
                )

    def save_filter(self, name: str, query: str) -> None:
        """Keeps a filter text by name; an older one of that name is replaced."""
        if not name.strip() or not name.isprintable():
            raise NliError(f"{name!r} cannot be a filter's name", "use printable characters")
        with self.transaction() as connection:
            connection.execute(
                "insert or replace into filters (name, query, created_at) values (?, ?, ?)",
                (name, query, now()),
            )

    def delete_filter(self, name: str) -> None:
        with self.transaction() as connection:
            connection.execute("delete from filters where name = ?", (name,))

    def _example(self, key: str) -> int:
        row = self._connection.execute("select id from examples where key = ?", (key,)).fetchone()
        if row is None:
            raise NliError(f"there is no pair {key}", "see: nliexplorer examples RUN")
        example_id: int = row[0]
        return example_id
