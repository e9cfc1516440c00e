"""Figs 2–7: one pair under each model, on one symmetric scale, and the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch

from nliexplorer.records import GOLD_NAMES, is_correct
from nliexplorer.view.figures_style import DPI, INK, MUTED, heat_colours, quiet_glyphs, run_colour
from nliexplorer.view.heatmap import Heatmap, HeatRow, HeatWord, heatmap
from nliexplorer.view.pair import RunView
from nliexplorer.view.palette import STEPS, signed
from nliexplorer.view.text import visible

WIDEST, NARROWEST = 10.0, 7.4  # inches
_MARGIN, _LINE, _GUTTER = 0.18, 0.29, 0.34
_FONT = FontProperties(size=10)
_SMALL = FontProperties(size=8)
_HEAD = FontProperties(size=9, weight="bold")


@dataclass(frozen=True, slots=True)
class _Chip:
    """A word where it will stand: inches from the left of its line."""

    text: str
    x: float
    width: float
    word: HeatWord


@dataclass(frozen=True, slots=True)
class _Block:
    """One model's (or the difference's) view: a heading over wrapped lines of chips."""

    badge: str
    heading: str
    colour: str
    warning: str
    lines: list[tuple[str, list[_Chip]]]  # gutter letter, words

    @property
    def height(self) -> float:
        return 0.34 + _LINE * len(self.lines) + (0.2 if self.warning else 0.0) + 0.12


def heatmap_figure(
    premise: str, hypothesis: str, gold: int | None, runs: Sequence[RunView], title: str = ""
) -> Figure:
    """One block a run with an attribution; with two, a third block of B − A on the same scale.

    Words are those that whitespace separates, their tokens' scores summed, so that models with
    different tokenizers stand word under word.
    """
    heat = heatmap(premise, hypothesis, [run.attribution for run in runs])
    ruler = _Ruler()
    blocks = [
        _block(ruler, "AB"[i % 2], _heading(run, gold), run_colour(i), row)
        for i, (run, row) in enumerate(zip(runs, heat.rows, strict=True))
    ]
    if heat.difference:
        beyond = ", beyond the scale drawn as its ends" if heat.difference_beyond_scale else ""
        blocks.append(_block(ruler, "Δ", f"difference, B − A{beyond}", MUTED, heat.difference))
    return _draw(blocks, heat, gold, title)


class _Ruler:
    """Widths of texts, in inches."""

    def __init__(self) -> None:
        canvas: Any = FigureCanvasAgg(Figure(dpi=DPI))
        self._renderer = canvas.get_renderer()

    def width(self, text: str, font: FontProperties = _FONT) -> float:
        with quiet_glyphs():
            size = self._renderer.get_text_width_height_descent(text, font, False)
        return float(size[0]) / DPI

    def fitted(self, text: str, room: float) -> str:
        """`text`, its end cut where one word alone is wider than a line."""
        while len(text) > 1 and self.width(text) > room:
            text = text[: max(1, len(text) * 9 // 10 - 1)] + "…"
        return text


def _heading(run: RunView, gold: int | None) -> str:
    if run.predicted is None:
        return f"{run.name} · {run.missing}"
    sure = f" {max(run.probabilities):.2f}" if run.probabilities else ""
    verdict = ""
    if gold is not None:
        verdict = " · right" if is_correct(run.predicted, gold) else " · wrong"
    return f"{run.name} · predicts {GOLD_NAMES[run.predicted]}{sure}{verdict}"


def _block(ruler: _Ruler, badge: str, heading: str, colour: str, row: HeatRow) -> _Block:
    lines: list[tuple[str, list[_Chip]]] = []
    for letter, words in (("P", row.premise), ("H", row.hypothesis)):
        wrapped = _wrap(ruler, words)
        lines += [(letter if not i else "", line) for i, line in enumerate(wrapped)]
    warning = " · ".join(row.remarks) if row.attributed else "no attribution stored for this pair"
    return _Block(badge, visible(heading), colour, warning, lines)


def _wrap(ruler: _Ruler, words: Sequence[HeatWord]) -> list[list[_Chip]]:
    room = WIDEST - 2 * _MARGIN - _GUTTER
    lines: list[list[_Chip]] = [[]]
    x = 0.0
    for word in words:
        shown = ruler.fitted(word.text, room - 0.1)
        width = ruler.width(shown) + 0.1
        if x + width > room and lines[-1]:
            lines.append([])
            x = 0.0
        lines[-1].append(_Chip(shown, x, width, word))
        x += width + 0.05
    return lines


def _draw(blocks: Sequence[_Block], heat: Heatmap, gold: int | None, title: str) -> Figure:
    head = 0.12 + (0.26 if title else 0.0) + (0.24 if gold is not None else 0.0)
    height = head + sum(block.height for block in blocks) + 0.5
    ends = [c.x + c.width for b in blocks for _, line in b.lines for c in line]
    width = max(NARROWEST, 2 * _MARGIN + _GUTTER + max(ends, default=0.0))
    made = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    axes = made.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)  # inches from the top
    axes.axis("off")
    if title:
        _text(axes, _MARGIN, 0.24, title, FontProperties(size=12, weight="bold"), INK)
    if gold is not None:
        _text(axes, _MARGIN, head - 0.12, f"gold: {GOLD_NAMES[gold]}", _SMALL, MUTED)
    y = head
    for block in blocks:
        _draw_block(axes, block, y)
        y += block.height
    _draw_legend(axes, y + 0.2, width, heat)
    return made


def _draw_block(axes: Any, block: _Block, y: float) -> None:
    _box(axes, _MARGIN, y + 0.05, 0.22, 0.2, block.colour)
    _text(axes, _MARGIN + 0.11, y + 0.15, block.badge, _HEAD, "white", "center")
    _text(axes, _MARGIN + _GUTTER, y + 0.15, block.heading, _HEAD, INK)
    y += 0.34
    if block.warning:
        _text(axes, _MARGIN + _GUTTER, y + 0.06, f"⚠ {block.warning}", _SMALL, "#8a5a00")
        y += 0.2
    for letter, chips in block.lines:
        _text(axes, _MARGIN + 0.11, y + _LINE / 2, letter, _SMALL, MUTED, "center")
        for chip in chips:
            _draw_chip(axes, chip, y)
        y += _LINE


def _draw_chip(axes: Any, chip: _Chip, y: float) -> None:
    ground, ink = heat_colours(chip.word.step)
    left = _MARGIN + _GUTTER + chip.x
    if chip.word.step:
        _box(axes, left, y + 0.03, chip.width, _LINE - 0.06, ground)
    colour = MUTED if chip.word.score is None else ink
    _text(axes, left + chip.width / 2, y + _LINE / 2, chip.text, _FONT, colour, "center")


def _draw_legend(axes: Any, y: float, width: float, heat: Heatmap) -> None:
    left = _MARGIN + _GUTTER
    against = f"against {heat.explained}  {signed(-heat.scale)}"
    _text(axes, left + 1.65, y, against, _SMALL, MUTED, "right")
    left += 1.75
    for step in range(-STEPS, STEPS + 1):
        _box(axes, left, y - 0.08, 0.18, 0.16, heat_colours(step)[0], "#d5dae2")
        left += 0.195
    _text(axes, left + 0.08, y, f"{signed(heat.scale)}  for {heat.explained}", _SMALL, MUTED)
    _text(axes, width - _MARGIN, y, "one scale, logits", _SMALL, MUTED, "right")


def _box(
    axes: Any, x: float, y: float, width: float, height: float, colour: str, edge: str = "none"
) -> None:
    style = "round,pad=0,rounding_size=0.04"
    axes.add_patch(
        FancyBboxPatch(
            (x, y), width, height, boxstyle=style, facecolor=colour, edgecolor=edge, lw=0.6
        )
    )


def _text(
    axes: Any, x: float, y: float, text: str, font: FontProperties, colour: str, ha: str = "left"
) -> None:
    axes.text(
        x, y, text, fontproperties=font, color=colour, ha=ha, va="center_baseline", parse_math=False
    )
