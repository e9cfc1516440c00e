"""What the explorer tells its user in passing."""

from __future__ import annotations

from typing import Any

from textual.app import App


def record_notices(app: App[Any]) -> list[str]:
    """A list that grows by each notice, title first: Textual forgets them after some seconds."""
    recorded: list[str] = []
    notify = app.notify

    def record(message: str, *, title: str = "", **options: Any) -> None:
        recorded.append(f"{title} {message}".strip())
        notify(message, title=title, **options)

    app.notify = record  # type: ignore[method-assign]
    return recorded
