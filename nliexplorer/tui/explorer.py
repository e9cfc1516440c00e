"""The interface of the application that screens use, so that no screen imports it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Protocol

from textual.events import Key

from nliexplorer.errors import NliError
from nliexplorer.records import Run
from nliexplorer.tui.queries import PairData
from nliexplorer.tui.session import Session
from nliexplorer.tui.state import Selection


class Explorer(Protocol):
    """The shared state and the actions that lead from one screen to another."""

    session: Session
    selection: Selection
    runs: list[Run]
    pair_in_view: PairData | None
    asks_models: bool
    loaded: bool
    failure: NliError | None

    preview_order: str  # one of queries.PREVIEW_ORDERS
    recent_filters: list[str]  # texts, newest last
    completions: dict[str, list[str]]  # values of filter fields that the database knows

    def select(self, **changes: Any) -> None:
        """Replace parts of the selection (`a`, `b`, `split`, `filter`, `subset`)."""

    def go(self, mode: str = "", at: str = "", **changes: Any) -> None:
        """As `select`, on the screen of this mode, at the pair with id `at`.

        The place that is left goes into the history.
        """

    def press_first(self, keys: Iterable[Key]) -> None:
        """Press keys that a screen held, before those that came later."""

    def step(self, direction: int) -> bool:
        """Go back (-1) or forward (1) in the history; False at its end."""

    @property
    def trail(self) -> tuple[str, ...]:
        """The modes that going back leads through, oldest first."""

    def opened_at(self) -> str:
        """The pair to go to, told once; else empty."""

    def open_examples(self, **changes: Any) -> None:
        """Show the pairs of a cell, bin, slice or word on the examples screen."""

    def drilled_down(self, **changes: Any) -> Selection:
        """What `open_examples` would select."""

    def action_show(self, mode: str) -> None:
        """Switch to the screen of this mode."""

    def busy(self, task: Hashable, running: bool) -> None:
        """A background task began or ended."""
