"""Where the keys `n`, `p` and `:` lead in the list of pairs."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from nliexplorer.errors import NliError
from nliexplorer.tui.state import Ids

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
