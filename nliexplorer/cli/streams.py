"""Output for terminals whose encoding lacks a character: the nearest ASCII, cell for cell."""

from __future__ import annotations

import codecs
import io
import sys

_ASCII = str.maketrans(
    {
        **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True)),
        **dict(zip("▏▎▍▌▋▊▉", "   :==#", strict=True)),
        **dict(zip("░▒▓┃│━─├┤", ".:=||--||", strict=True)),
        **dict(zip("–—−‒·•…●○✓✗⚠→←↑↓▾▴", "----.*.*oyx!><^vv^", strict=True)),
        **dict(zip("“”‘’«»×", "\"\"''<>x", strict=True)),
    }
)
_HANDLER = "nliexplorer.ascii"


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """A codec error handler: known symbols by their ASCII, others by their code point."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = error.object[error.start : error.end].translate(_ASCII)
    return shown.encode("ascii", "backslashreplace").decode("ascii"), error.end


def use_ascii_where_needed() -> None:
    """Let stdout and stderr write any text, whatever their encoding."""
    codecs.register_error(_HANDLER, _replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)
