"""One look for every figure: Figure objects, no pyplot, no global settings left behind."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from nliexplorer.errors import NliError
from nliexplorer.view.palette import LIGHT, STEPS
from nliexplorer.view.text import visible

DPI = 150
INK, MUTED, GRID = "#1f2430", "#626b7a", "#e6e9ef"
RUN_MARKS = ("o", "s")
RUN_LINES: tuple[Any, ...] = ("-", (0, (5, 2)))


def run_colour(index: int) -> str:
    """Run A (0) or B (1), as in the explorer; further runs repeat the two."""
    return _hex(LIGHT.run(index % 2).color)


def heat_colours(step: int) -> tuple[str, str]:
    """(ground, ink) of an attribution step, as in the explorer on a light ground."""
    style = LIGHT.heat(step)
    return (_hex(style.bgcolor), _hex(style.color)) if step else ("#ffffff", INK)


def _hex(colour: Any) -> str:
    name = getattr(colour, "name", None)
    assert isinstance(name, str)
    return name


def diverging() -> Any:
    """Blue for less, white for none, orange for more: the heat steps as a continuous colour map."""
    stops = [heat_colours(step)[0] for step in range(-STEPS, STEPS + 1)]
    return LinearSegmentedColormap.from_list("blue-orange", stops)


def sequential() -> Any:
    """White to blue, for counts."""
    stops = ["#ffffff", *(heat_colours(-step)[0] for step in range(1, STEPS + 1))]
    return LinearSegmentedColormap.from_list("blues", stops)


def figure(width: float, height: float, title: str = "", named: bool = False) -> Figure:
    """An empty figure, inches; `named` keeps room under its title for `legend_above`."""
    made = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    if title:
        text = label(title) + ("\n" if named else "")
        made.suptitle(text, x=0.012, ha="left", fontsize=12, fontweight="bold", color=INK)
    return made


def dress(axes: Any, title: str = "", x: str = "", y: str = "", grid: str = "y") -> None:
    """The common style of one panel; `grid`: which axis has lines, or none."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#b8bfca")
    axes.tick_params(colors=MUTED, labelsize=8, length=3)
    axes.set_axisbelow(True)
    if grid in ("x", "y", "both"):
        axes.grid(axis=grid, color=GRID, linewidth=0.8)
    if title:
        axes.set_title(label(title), loc="left", fontsize=9.5, color=INK, fontweight="bold")
    axes.set_xlabel(x, fontsize=8.5, color=MUTED)
    axes.set_ylabel(y, fontsize=8.5, color=MUTED)


def legend(axes: Any, **where: Any) -> None:
    """A frameless legend, if anything is named."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8, labelcolor=INK, **where)


def legend_above(made: Figure, axes: Any) -> None:
    """The names in `axes` as one legend between the figure's title and its panels."""
    handles, names = axes.get_legend_handles_labels()
    under_title = (0.004, 1.0 - 0.24 / made.get_size_inches()[1])
    made.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=under_title,
        ncols=len(names),
        frameon=False,
        fontsize=8.5,
        labelcolor=INK,
        borderpad=0.3,
    )


def ink_on(ground: Any) -> str:
    """Black or white, whichever reads better on an RGB(A) `ground` (WCAG relative luminance)."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in ground[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "white" if luminance < 0.215 else INK


def note(made: Figure, text: str, warning: bool = False) -> None:
    """A line of small print under the figure."""
    colour = _hex(LIGHT.warning.color) if warning else MUTED
    made.supxlabel(label(text), x=0.012, ha="left", fontsize=8, color=colour)


def label(text: str) -> str:
    """Any text as text: no control characters, no mathematics between dollar signs."""
    return re.sub(r"(?<!\\)\$", r"\\$", visible(text))


@contextmanager
def quiet_glyphs() -> Iterator[None]:
    """No warning for a character that the font lacks: it is drawn as a box."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def save(
    made: Figure, folder: Path, name: str, formats: Sequence[str] = ("png", "svg")
) -> list[Path]:
    """Writes `folder/name.FORMAT` each, the same bytes for the same figure; returns the paths."""
    paths = [folder / f"{name}.{suffix}" for suffix in formats]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with rc_context({"svg.hashsalt": "nliexplorer"}), quiet_glyphs():
            for path in paths:
                dated = {"Date": None} if path.suffix == ".svg" else {}
                made.savefig(path, metadata=dated)
    except OSError as error:
        raise NliError(
            f"cannot write figures to {folder}: {error.strerror}", "name a folder you may write to"
        ) from None
    return paths
