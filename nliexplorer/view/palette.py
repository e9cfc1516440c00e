"""Colours with one meaning each, on dark, light and monochrome terminals.

Attribution: orange supports the explained class, blue opposes it; blue and orange stay apart
for every common colour blindness. Without colour the sign is written out (+ or −) and strength is
shown by bold type.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.style import Style

#: Steps either side of zero: the scale has 2 * STEPS + 1 colours.
STEPS = 5
MINUS = "−"
#: How many runs are shown side by side at most: each has a colour of its own.
MOST_RUNS = 8

# (ground, ink) a step, from weak to strong
_FOR_DARK = (
    ("#33261b", "#f3e4d3"),
    ("#553615", "#fbeeda"),
    ("#82500f", "#fff6ea"),
    ("#c77a1e", "#17110a"),
    ("#ffa238", "#17110a"),
)
_AGAINST_DARK = (
    ("#1a2737", "#d9e6f5"),
    ("#1c3c5f", "#e4f0fc"),
    ("#1f568c", "#f2f8ff"),
    ("#3f8fd2", "#07111c"),
    ("#74bdff", "#07111c"),
)
_FOR_LIGHT = (
    ("#fdeedd", "#33200a"),
    ("#fbd8ae", "#33200a"),
    ("#f6ba74", "#2b1a06"),
    ("#ee9a3a", "#211303"),
    ("#b35c05", "#ffffff"),
)
_AGAINST_LIGHT = (
    ("#e4effa", "#0c2238"),
    ("#c2dbf3", "#0c2238"),
    ("#93c0ea", "#0a1d30"),
    ("#5b9fdd", "#06131f"),
    ("#1c66ab", "#ffffff"),
)
_MARKS = ("", "+", "+", "++", "++", "+++")

_LABELS_DARK = ("#7fc97a", "#d8c25f", "#e5788f", "#e5788f")
_LABELS_LIGHT = ("#2f7d32", "#7a6200", "#b3264a", "#b3264a")
_RUNS_DARK = (
    "#b3a5ff", "#5ed3c6", "#f2a65a", "#e58fc0", "#a3cf62", "#7fb2ff", "#e3d26f", "#d0d5df",
)  # fmt: skip
_RUNS_LIGHT = (
    "#5b45c9", "#0b7a70", "#a65300", "#a8327e", "#4b7a12", "#1f5fbf", "#7a6a00", "#4b5563",
)  # fmt: skip


def heat_step(score: float, scale: float) -> int:
    """The colour step of a score, -STEPS..STEPS, on a scale symmetric round zero."""
    if scale <= 0 or score != score:
        return 0
    size = min(int(abs(score) / scale * STEPS + 0.5), STEPS)
    return size if score > 0 else -size


def signed(value: float, digits: int = 2) -> str:
    """A figure with its sign always shown, with a real minus, and no sign for zero."""
    text = f"{abs(value):.{digits}f}"
    if not float(text):
        return text
    return ("+" if value > 0 else MINUS) + text


def decimals(scale: float, significant: int = 3) -> int:
    """Decimals that show figures of this scale with so many significant digits; at least 2."""
    if not 0 < scale < math.inf:
        return 2
    return min(max(2, significant - 1 - math.floor(math.log10(scale))), 10)


def heat_mark(step: int) -> str:
    """A step written out: '+', '++', '+++' or the same in minus signs; '' for zero."""
    marks = _MARKS[abs(step)]
    return marks if step > 0 else marks.replace("+", MINUS)


@dataclass(frozen=True, slots=True)
class Palette:
    """One look: a dark or light ground; `mono` where the terminal shows no colour."""

    dark: bool = True
    mono: bool = False

    def heat(self, step: int) -> Style:
        """Ground, ink and weight of an attribution step."""
        strong = abs(step) >= STEPS - 1
        if self.mono:
            return Style(bold=strong or None, dim=True if step == 0 else None)
        if step == 0:
            return Style()
        if self.dark:
            colours = _FOR_DARK if step > 0 else _AGAINST_DARK
        else:
            colours = _FOR_LIGHT if step > 0 else _AGAINST_LIGHT
        ground, ink = colours[abs(step) - 1]
        return Style(color=ink, bgcolor=ground, bold=strong or None)

    def label(self, label: int | None) -> Style:
        """Entailment, neutral, contradiction (and non-entailment, as contradiction)."""
        if label is None:
            return self.muted
        return self._ink((_LABELS_DARK if self.dark else _LABELS_LIGHT)[label])

    def run(self, index: int) -> Style:
        """Run A (0) or B (1); further runs take turns."""
        return self._ink((_RUNS_DARK if self.dark else _RUNS_LIGHT)[index % len(_RUNS_DARK)])

    def badge(self, index: int) -> Style:
        """Run A or B as a filled badge."""
        if self.mono:
            return Style(reverse=True, bold=True)
        ground = (_RUNS_DARK if self.dark else _RUNS_LIGHT)[index % len(_RUNS_DARK)]
        return Style(color="#14121f" if self.dark else "#ffffff", bgcolor=ground, bold=True)

    @property
    def wrong(self) -> Style:
        return self._ink("#ff7a85" if self.dark else "#b3264a") + Style(bold=True)

    @property
    def right(self) -> Style:
        return self._ink("#7fc97a" if self.dark else "#2f7d32")

    @property
    def muted(self) -> Style:
        if self.mono:
            return Style(dim=True)
        return Style(color="#7d8799" if self.dark else "#6b7280")

    @property
    def faint(self) -> Style:
        if self.mono:
            return Style(dim=True)
        return Style(color="#3c4453" if self.dark else "#c9ced8")

    @property
    def warning(self) -> Style:
        return self._ink("#f0b94a" if self.dark else "#8a5a00")

    @property
    def strong(self) -> Style:
        return Style(bold=True)

    def _ink(self, colour: str) -> Style:
        return Style() if self.mono else Style(color=colour)


DARK = Palette()
LIGHT = Palette(dark=False)
