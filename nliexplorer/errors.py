"""The one error a user sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

#: Pages of the documentation, by the topics of errors.
PAGES = {
    "attribution": "docs/reference/attribution-methods.md",
    "answers": "docs/howto/chat-model-answers.md",
    "browser": "docs/howto/browser.md",
    "configuration": "docs/reference/configuration.md",
    "data": "docs/reference/data-sources.md",
    "debiasing": "docs/reference/debiasing.md",
    "files": "docs/reference/file-formats.md",
    "filters": "docs/reference/filters.md",
    "gate": "docs/howto/ci-gate.md",
    "machines": "docs/howto/several-machines.md",
    "memory": "docs/performance.md",
    "models": "docs/howto/bring-your-own-model.md",
    "penalties": "docs/reference/penalties.md",
    "quadrature": "docs/explanation/quadrature.md",
    "start": "docs/tutorial.md",
    "terminal": "docs/howto/ssh-and-tmux.md",
}
#: Topics of the registries whose names `unknown_name` speaks of.
_REGISTRY_TOPICS = {
    "attribution method": "attribution",
    "data source": "data",
    "debiasing": "debiasing",
    "estimator": "quadrature",
    "penalty": "penalties",
}


class NliError(Exception):
    """Something the user can fix: one line of what is wrong, one of what to do.

    The command line prints both to stderr and exits with 1; the explorer shows them in place.
    `topic`, of PAGES, names the page of the documentation that says more.
    """

    def __init__(self, message: str, hint: str = "", topic: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.page = PAGES[topic] if topic else ""

    @property
    def advice(self) -> str:
        """The hint, with the page behind it."""
        page = f"(see {self.page})" if self.page else ""
        return f"{self.hint} {page}".strip()

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


def unknown_name(kind: str, name: str, known: list[str] | tuple[str, ...]) -> NliError:
    """The error of every registry: names what was asked for and lists what there is."""
    topic = _REGISTRY_TOPICS.get(kind, "")
    return NliError(f"unknown {kind}: {name!r}", f"known: {', '.join(sorted(known))}", topic)


@contextmanager
def documented(topic: str) -> Iterator[None]:
    """Gives errors raised inside the topic's page, unless they have one; also as a decorator."""
    try:
        yield
    except NliError as error:
        error.page = error.page or PAGES[topic]
        raise
