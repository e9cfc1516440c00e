"""Tags and notes on pairs, and saved filters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from nliexplorer.store.reading.connection import ReadConnection


@dataclass(frozen=True, slots=True)
class AnnotatedPair:
    """A pair that somebody tagged or wrote a note on."""

    example_id: str
    premise: str
    hypothesis: str
    gold: int | None
    tags: tuple[str, ...]
    note: str


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

    def pairs(self) -> Iterator[AnnotatedPair]:
        """Every pair with a tag or a note, in the order in which the pairs were stored."""
        rows = self._connection.iterate(
            "select x.key, x.premise, x.hypothesis, x.gold, coalesce(n.text, '') as note, "
            "(select json_group_array(tag) from (select tag from tags t where t.example_id = x.id "
            "order by tag)) as tags from examples x left join notes n on n.example_id = x.id "
            "where x.id in (select example_id from tags union select example_id from notes) "
            "order by x.id"
        )
        for row in rows:
            tags = tuple(json.loads(row["tags"]))
            yield AnnotatedPair(
                row["key"], row["premise"], row["hypothesis"], row["gold"], tags, row["note"]
            )

    def all_tags(self) -> dict[str, int]:
        """Tag to number of pairs."""
        rows = self._connection.all("select tag, count(*) from tags group by tag")
        return {row[0]: row[1] for row in rows}

    def filters(self) -> dict[str, str]:
        """Saved filters: name to filter text."""
        rows = self._connection.all("select name, query from filters order by name")
        return {row[0]: row[1] for row in rows}
