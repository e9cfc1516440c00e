"""Pages of a list, and where the next one begins."""

from __future__ import annotations

from dataclasses import dataclass

from nliexplorer.records import ExampleRow


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row seen: its place in the order that an index has, or how many came before."""

    value: float | int | None
    position: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where the next ones begin; None after the last."""

    rows: list[ExampleRow]
    next: Cursor | None


def beyond(column: str, down: bool, after: Cursor) -> tuple[str, list[object]]:
    """The condition "comes after the cursor"; NULL confidences sort as smallest, as in SQLite."""
    value, position = after.value, after.position
    sign = "<" if down else ">"
    if column == "position":
        return f"p.position {sign} ?", [position]
    if value is None:
        same = f"p.{column} is null and p.position {sign} ?"
        return (same if down else f"(({same}) or p.{column} is not null)"), [position]
    beyond = f"(p.{column}, p.position) {sign} (?, ?)"
    if down:
        beyond = f"({beyond} or p.{column} is null)" if column == "confidence" else beyond
    return beyond, [value, position]
