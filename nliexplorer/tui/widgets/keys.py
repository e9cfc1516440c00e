"""The line of keys at the bottom."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

#: Help and quit, which are last and always shown.
_LAST = 2
#: Blanks around a key and its description.
_BLANKS = 3


class Keys(Footer):
    """Textual's footer, but for two things.

    By itself it keeps every key it has ever shown, 1 MiB a minute of use: each key watches
    `compact`, and watchers of removed widgets are forgotten only when what they watch is set. And
    where the line is too narrow it would cut off the end, which is how to get help and out: here
    the keys before those two are left out.
    """

    async def recompose(self) -> None:
        await super().recompose()
        if self.is_attached:
            self.mutate_reactive(Footer.compact)

    def on_resize(self) -> None:
        self.refresh(recompose=True)

    def compose(self) -> ComposeResult:
        keys = [each for each in super().compose() if isinstance(each, FooterKey)]
        while len(keys) > _LAST and sum(map(_width, keys)) > self.app.size.width:
            del keys[-_LAST - 1]
        yield from keys


def _width(key: FooterKey) -> int:
    return len(key.key_display) + len(key.description) + _BLANKS
