"""The one error a user sees."""

from __future__ import annotations


class NliError(Exception):
    """Something the user can fix: one line of what is wrong, one of what to do.

    The command line prints both to stderr and exits with 1; the explorer shows them in place.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


def unknown_name(kind: str, name: str, known: list[str] | tuple[str, ...]) -> NliError:
    """The error of every registry: names what was asked for and lists what there is."""
    return NliError(f"unknown {kind}: {name!r}", f"known: {', '.join(sorted(known))}")
