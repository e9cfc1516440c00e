"""Where the keys `n`, `p` and `:` lead in the list of pairs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nliexplorer.errors import NliError
from nliexplorer.store.filters import Filter
from nliexplorer.tui import queries
from nliexplorer.tui.state import Ids

if TYPE_CHECKING:
    from nliexplorer.tui.screens.examples.screen import ExamplesScreen

_ID = re.compile(r"[0-9a-f]{1,16}")


def neighbouring_error(errors: Ids, cursor: int, direction: int) -> int | None:
    """The position of the next (1) or previous (-1) error; `errors` are sorted positions."""
    side = "right" if direction > 0 else "left"
    index = int(np.searchsorted(errors, cursor, side=side))  # type: ignore[call-overload]
    index -= direction < 0
    return int(errors[index]) if 0 <= index < len(errors) else None


@dataclass(frozen=True, slots=True)
class Target:
    """A position in the list, or the beginning of an example id."""

    position: int | None = None
    example_id: str = ""


def parse_target(text: str, total: int) -> Target:
    """`12` is a row, from 1; `#12ab` and anything with a letter is an id.

    Raises NliError for a row past the end and for what is neither.
    """
    plain = text.strip().lower()
    if plain.isascii() and plain.isdigit():
        if 1 <= int(plain) <= total:
            return Target(position=int(plain) - 1)
        raise NliError(f"there is no row {plain}", f"rows 1 to {total:,}; #{plain} for an id")
    if _ID.fullmatch(plain.removeprefix("#")):
        return Target(example_id=plain.removeprefix("#"))
    raise NliError(f"{text!r} is no row or id", "a row number, or an id (digits and a to f)")


class Navigation:
    """Moves the cursor of the examples screen."""

    def __init__(self, screen: ExamplesScreen) -> None:
        self._screen = screen

    def to_error(self, direction: int) -> None:
        """Go to the next (1) or previous (-1) error."""
        screen = self._screen
        ids, errors, selection = screen.state.ids, screen.state.errors, screen.selection
        if errors is not None:
            self._go_to_error(direction, errors)
        elif ids is not None:
            screen.ask(
                "errors",
                lambda reader: queries.error_positions(reader, selection, ids),
                partial(self._go_to_error, direction),
            )

    def _go_to_error(self, direction: int, errors: Ids) -> None:
        screen = self._screen
        screen.state.errors = errors
        position = neighbouring_error(errors, screen.rows.cursor, direction)
        if position is None:
            where = "below" if direction > 0 else "above"
            screen.notify(f"no further error {where}", timeout=2)
        else:
            screen.rows.move_to(position)

    def jump(self, text: str | None) -> None:
        """Go to a row or a pair as typed; None is no answer."""
        if not text:
            return
        screen = self._screen
        try:
            target = parse_target(text, screen.rows.total)
        except NliError as error:
            screen.notify(error.hint, title=error.message, severity="warning", markup=False)
            return
        if target.position is not None:
            screen.rows.move_to(target.position)
        elif (ids := screen.state.ids) is not None:
            selection = screen.selection
            screen.ask(
                "jump",
                lambda reader: queries.find_by_id(reader, selection, ids, target.example_id),
                self._jump_to,
                screen.toast,
            )

    def _jump_to(self, pair: queries.PairPosition) -> None:
        """A pair that the filter hides is shown without the filter; Escape goes back."""
        screen = self._screen
        if pair.position is not None:
            screen.rows.move_to(pair.position)
        else:
            screen.explorer.go(at=pair.example_id, filter=Filter(), subset=None)
            screen.notify("the filter hid this pair · esc goes back to it", timeout=4)
