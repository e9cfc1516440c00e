"""The line of keys at the bottom."""

from __future__ import annotations

from textual.widgets import Footer


class Keys(Footer):
    """Textual's footer, which by itself keeps every key it has ever shown: 1 MiB a minute of use.

    Each key watches `compact`, and watchers of removed widgets are forgotten only when what they
    watch is set.
    """

    async def recompose(self) -> None:
        await super().recompose()
        if self.is_attached:
            self.mutate_reactive(Footer.compact)
