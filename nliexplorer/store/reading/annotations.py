"""What people said of pairs, and the filters they saved."""

from __future__ import annotations

from nliexplorer.store.reading.connection import ReadConnection


class AnnotationsReader:
    """Tags, notes, saved filters."""

    def __init__(self, connection: ReadConnection) -> None:
        self._connection = connection

    def tags(self, example_key: str) -> tuple[str, ...]:
        """The tags of a pair, in alphabetical order."""
        rows = self._connection.all(
            "select t.tag from tags t join examples x on x.id = t.example_id "
            "where x.key = ? order by t.tag",
            (example_key,),
        )
        return tuple(row["tag"] for row in rows)

    def note(self, example_key: str) -> str:
        """The note on a pair, empty where there is none."""
        row = self._connection.one(
            "select n.text from notes n join examples x on x.id = n.example_id where x.key = ?",
            (example_key,),
        )
        return row["text"] if row else ""

    def all_tags(self) -> dict[str, int]:
        """Tag to number of pairs."""
        rows = self._connection.all("select tag, count(*) from tags group by tag")
        return {row[0]: row[1] for row in rows}

    def filters(self) -> dict[str, str]:
        """Saved filters: name to filter text."""
        rows = self._connection.all("select name, query from filters order by name")
        return {row[0]: row[1] for row in rows}
