"""Background work of a screen: run a query or a task on a thread, then show its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState, get_current_worker

from nliexplorer.errors import NliError
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.explorer import Explorer
from nliexplorer.tui.session import OvertakenError

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Ticket:
    """One request; only the newest of its group is shown."""

    group: str


class WorkerScreen(Screen[None]):
    """Threads post messages, and only the handlers here change widgets.

    A new request of a group cancels the one under way.
    """

    class Finished(Message, bubble=False):
        """A thread is done; `show` draws its result or its error."""

        def __init__(self, ticket: Ticket, show: Callable[[], None]) -> None:
            super().__init__()
            self.ticket, self.show = ticket, show

    def __init__(self) -> None:
        super().__init__()
        self._tickets: dict[str, Ticket] = {}  # the newest request of each group under way

    @property
    def explorer(self) -> Explorer:
        return cast("Explorer", self.app)

    def ask(
        self,
        group: str,
        query: Callable[[StoreReader], T],
        show: Callable[[T], None],
        failed: Callable[[NliError], None] | None = None,
    ) -> None:
        """Run `query(reader)` on a thread, then `show(result)` or `failed(error)` here."""
        session = self.explorer.session
        self._start(group, lambda ticket: session.answer(self._key(group), ticket, query),
                    show, failed)  # fmt: skip

    def work(
        self,
        group: str,
        task: Callable[[], T],
        show: Callable[[T], None],
        failed: Callable[[NliError], None] | None = None,
    ) -> None:
        """The same for a task that needs no reader: a write, the models of the probe."""
        self._start(group, lambda _: task(), show, failed)

    def pending(self, group: str) -> bool:
        """Whether a request of this group is under way."""
        return group in self._tickets

    def show_failure(self, error: NliError) -> None:
        """Where an error is shown when the request names no other place."""
        self.toast(error)

    def toast(self, error: NliError) -> None:
        """Show an error beside what is on the screen."""
        self.app.notify(error.hint, title=error.message, severity="error", markup=False)

    def request_started(self, group: str) -> None:
        """Called for each new request."""

    def show_result(self, group: str, show: Callable[[], None]) -> None:  # noqa: ARG002
        """Show the result of the newest request of this group."""
        show()

    def _key(self, group: str) -> tuple[int, str]:
        return (id(self), group)

    def _start(
        self,
        group: str,
        task: Callable[[Ticket], T],
        show: Callable[[T], None],
        failed: Callable[[NliError], None] | None,
    ) -> None:
        ticket = self._tickets[group] = Ticket(group)
        self.explorer.session.interrupt(self._key(group))
        self.explorer.busy(self._key(group), True)
        self.request_started(group)
        self.run_worker(
            partial(self._run, ticket, task, show, failed or self.show_failure),
            group=group,
            thread=True,
            exclusive=True,
            exit_on_error=False,
        )

    def _run(
        self,
        ticket: Ticket,
        task: Callable[[Ticket], T],
        show: Callable[[T], None],
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
            self.post_message(self.Finished(ticket, partial(failed, error)))
        else:
            if not worker.is_cancelled:
                self.post_message(self.Finished(ticket, partial(show, result)))

    def on_worker_screen_finished(self, event: WorkerScreen.Finished) -> None:
        event.stop()
        group = event.ticket.group
        if self._tickets.get(group) is event.ticket:
            self._close(group)
            self.show_result(group, event.show)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """An unexpected exception is shown, and the explorer goes on."""
        if event.state is WorkerState.ERROR:
            error, group = event.worker.error, event.worker.group
            self.toast(NliError(f"{type(error).__name__}: {error}", "this is a bug in nliexplorer"))
            if group in self._tickets:
                self._close(group)
                self.show_result(group, lambda: None)

    def _close(self, group: str) -> None:
        del self._tickets[group]
        self.explorer.busy(self._key(group), False)
