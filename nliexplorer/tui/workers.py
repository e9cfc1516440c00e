"""One shape for all work off the UI thread: ask a question, show the answer, or say what failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual.message import Message
from textual.worker import Worker, WorkerState, get_current_worker

from nliexplorer.errors import NliError
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.session import OvertakenError

if TYPE_CHECKING:
    from textual.widget import Widget

    from nliexplorer.tui.app import ExplorerApp
else:
    Widget = object  # a second Widget base would hide the Screen's own style rules

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Ticket:
    """One question; only the newest of its group is answered."""

    group: str


class Asking(Widget):
    """Mixin for screens: thread workers post messages, and only handlers here change widgets."""

    class Answered(Message, bubble=False):
        def __init__(self, ticket: Ticket, then: Callable[[], None]) -> None:
            super().__init__()
            self.ticket, self.then = ticket, then

    @property
    def explorer(self) -> ExplorerApp:
        return cast("ExplorerApp", self.app)

    def ask(
        self,
        group: str,
        question: Callable[[StoreReader], T],
        answer: Callable[[T], None],
        failed: Callable[[NliError], None] | None = None,
    ) -> None:
        """Run `question(reader)` on a thread and `answer(result)` here; overtakes its group."""
        self._start(group, lambda ticket: self._session.answer(self._kind(group), ticket, question),
                    answer, failed)  # fmt: skip

    def work(
        self,
        group: str,
        task: Callable[[], T],
        answer: Callable[[T], None],
        failed: Callable[[NliError], None] | None = None,
    ) -> None:
        """The same for work that needs no reader: writing, the model of the probe."""
        self._start(group, lambda _: task(), answer, failed)

    def asked(self, group: str) -> bool:
        """Whether an answer of this group is outstanding."""
        return group in self._tickets

    def show_failure(self, error: NliError) -> None:
        """Where a failed question shows unless it names its own place."""
        self.toast(error)

    def toast(self, error: NliError) -> None:
        """A failure beside what is on the screen: a write, a fault of ours."""
        self.app.notify(error.hint, title=error.message, severity="error", markup=False)

    @property
    def _session(self) -> Any:
        return self.explorer.session

    def _kind(self, group: str) -> tuple[int, str]:
        return (id(self), group)

    @property
    def _tickets(self) -> dict[str, Ticket]:
        tickets: dict[str, Ticket] = self.__dict__.setdefault("_asked", {})
        return tickets

    def _start(
        self,
        group: str,
        task: Callable[[Ticket], T],
        answer: Callable[[T], None],
        failed: Callable[[NliError], None] | None,
    ) -> None:
        ticket = self._tickets[group] = Ticket(group)
        self._session.interrupt(self._kind(group))
        self.explorer.busy(self._kind(group), True)
        self.run_worker(
            partial(self._run, ticket, task, answer, failed or self.show_failure),
            group=group,
            thread=True,
            exclusive=True,
            exit_on_error=False,
        )

    def _run(
        self,
        ticket: Ticket,
        task: Callable[[Ticket], T],
        answer: Callable[[T], None],
        failed: Callable[[NliError], None],
    ) -> None:
        worker = get_current_worker()
        if worker.is_cancelled:
            return
        try:
            result = task(ticket)
        except OvertakenError:
            return
        except NliError as error:
            self.post_message(self.Answered(ticket, partial(failed, error)))
        else:
            if not worker.is_cancelled:
                self.post_message(self.Answered(ticket, partial(answer, result)))

    def on_asking_answered(self, event: Asking.Answered) -> None:
        event.stop()
        if self._tickets.get(event.ticket.group) is event.ticket:
            del self._tickets[event.ticket.group]
            self.explorer.busy(self._kind(event.ticket.group), False)
            event.then()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault of ours is said aloud, and the app lives on."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            fault = NliError(f"{type(error).__name__}: {error}", "this is a fault of nliexplorer")
            self.toast(fault)
