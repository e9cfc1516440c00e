"""From error to error, and to a row or an id by its number."""

from __future__ import annotations

import re
from functools import partial

import numpy as np

from nliexplorer.tui import queries
from nliexplorer.tui.screens.prompt import Prompt
from nliexplorer.tui.state import Ids
from nliexplorer.tui.widgets.example_list import ExampleList
from nliexplorer.tui.workers import Asking


class Walking(Asking):
    """Mixin of the examples screen: `_ids` is its list, `_errors` A's errors in it once asked."""

    _ids: Ids | None
    _errors: Ids | None

    @property
    def rows(self) -> ExampleList:
        raise NotImplementedError

    def action_error(self, direction: int) -> None:
        if self._ids is None:
            return
        if self._errors is not None:
            self._go_to_error(direction, self._errors)
            return
        chosen, ids = self.explorer.selection, self._ids
        self.ask(
            "errors",
            lambda reader: queries.error_positions(reader, chosen, ids),
            partial(self._go_to_error, direction),
        )

    def _go_to_error(self, direction: int, errors: Ids) -> None:
        self._errors = errors
        side = "right" if direction > 0 else "left"
        place = int(np.searchsorted(errors, self.rows.cursor, side=side))  # type: ignore[call-overload]
        place -= direction < 0
        if 0 <= place < len(errors):
            self.rows.move_to(int(errors[place]))
        else:
            self.notify("no further error this way", timeout=2)

    def action_jump(self) -> None:
        self.app.push_screen(Prompt("go to", "a row number, or #id"), self._jump)

    def _jump(self, text: str | None) -> None:
        if not text:
            return
        plain = text.strip().removeprefix("#").lower()
        if text.strip().isdigit() and int(text) <= max(self.rows.total, 1):
            self.rows.move_to(int(text) - 1)
        elif re.fullmatch(r"[0-9a-f]{1,16}", plain):
            self.explorer.select(filter=self.explorer.selection.filter.with_value("id", plain))
        else:
            self.notify("a row number, or an example id (0-9, a-f)", severity="warning")
