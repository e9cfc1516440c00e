"""Heatmaps: words not pieces, nothing of the score lost, sign kept without colour."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.colors import to_hex
from rich.console import Console

from nliexplorer.records import Attribution
from nliexplorer.view.figures_heatmap import heatmap_figure
from nliexplorer.view.figures_style import heat_colours
from nliexplorer.view.heatmap import (
    PairScores,
    common_scale,
    heat_row,
    heat_text,
    heatmap,
    legend,
    pair_scores,
)
from nliexplorer.view.pair import PairView, RunView
from nliexplorer.view.palette import DARK, LIGHT, Palette

PREMISE = "A boy is sleeping."
HYPOTHESIS = "He naps"


def attribution() -> Attribution:
    """`sleeping.` in three pieces, its full stop a piece of its own."""
    return Attribution(
        tokens=("[CLS]", "a", "boy", "is", "sleep", "##ing", ".", "[SEP]", "he", "naps", "[SEP]"),
        segments=("special", *["premise"] * 6, "special", *["hypothesis"] * 2, "special"),  # type: ignore[arg-type]
        word_ids=(None, 0, 1, 2, 3, 3, 4, None, 0, 1, None),
        spans=(
            (0, 0), (0, 1), (2, 5), (6, 8), (9, 14), (14, 17), (17, 18), (0, 0),
            (0, 2), (3, 7), (0, 0),
        ),
        scores=(0.5, 0.1, 0.2, -0.1, 1.0, 0.5, -0.25, 0.25, 0.0, -2.0, 0.125),
        target=0,
    )  # fmt: skip


def test_pieces_become_whitespace_words_and_nothing_is_lost() -> None:
    scores = pair_scores(attribution(), PREMISE, HYPOTHESIS)
    assert scores.premise == pytest.approx((0.1, 0.2, -0.1, 1.25))
    assert scores.hypothesis == pytest.approx((0.0, -2.0))
    assert sum(scores.values()) + scores.special == pytest.approx(sum(attribution().scores))


def test_a_word_without_tokens_has_no_score() -> None:
    scores = pair_scores(attribution(), PREMISE + " Cut off", HYPOTHESIS)
    assert scores.premise[4:] == (None, None)


def test_difference_and_common_scale() -> None:
    scores = pair_scores(attribution(), PREMISE, HYPOTHESIS)
    assert set(scores.minus(scores).values()) == {0.0}
    assert common_scale([scores, None]) == 2.0
    assert common_scale([None]) == 0.0


def test_colour_and_underline_sit_on_the_word() -> None:
    (row,) = heatmap(PREMISE, HYPOTHESIS, [attribution()]).rows
    text = heat_text(row.hypothesis, DARK, underlined=(0,))
    assert text.plain == HYPOTHESIS
    he, naps = (span.style for span in text.spans)
    assert he.underline
    assert naps.bgcolor == DARK.heat(-5).bgcolor


def test_without_colour_the_sign_is_written() -> None:
    scores = pair_scores(attribution(), PREMISE, HYPOTHESIS)
    row = heat_row(PREMISE, HYPOTHESIS, scores, 1.25)
    assert heat_text(row.hypothesis, Palette(mono=True)).plain == "He naps−−−"
    assert heat_text(row.premise, Palette(mono=True)).plain.endswith("sleeping.+++")
    assert "+++" in legend(1.0, Palette(mono=True)).plain


def test_markup_and_escapes_in_words_stay_words() -> None:
    row = heat_row("[red]x[/red] \x1b[31mboo", "", PairScores((1.0, 1.0), ()), 1.0)
    text = heat_text(row.premise, DARK)
    assert "[red]x[/red]" in text.plain
    assert "\x1b" not in text.plain


def test_terminal_figure_and_page_show_one_model() -> None:
    """The same words on the same steps, and the difference of two beside them."""
    strong = replace(attribution(), scores=(0.5, *[2 * s for s in attribution().scores[1:]]))
    heat = heatmap(PREMISE, HYPOTHESIS, [attribution(), strong])
    assert heat.scale == 4.0
    assert heat.explained == "entailment"
    assert [word.step for word in heat.rows[0].hypothesis] == [0, -3]
    assert [word.step for word in heat.rows[1].hypothesis] == [0, -5]
    assert heat.difference is not None
    assert [word.score for word in heat.difference.hypothesis] == [0.0, -2.0]
    assert not heat.difference_beyond_scale
    views = (RunView("one", 0, None, attribution()), RunView("two", 1, None, strong))
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(PairView(PREMISE, HYPOTHESIS, 0, views, LIGHT))
    drawn = console.export_html(inline_styles=True).lower()
    grounds = [
        (heat_colours(word.step)[0], LIGHT.heat(word.step).bgcolor)
        for row in (*heat.rows, heat.difference)
        for word in (*row.premise, *row.hypothesis)
        if word.step
    ]
    figure = heatmap_figure(PREMISE, HYPOTHESIS, 0, views)
    boxes = [p for p in figure.axes[0].patches if p.get_edgecolor()[3] == 0]  # not the legend's
    shown = [to_hex(box.get_facecolor()) for box in boxes]
    for colour, terminal in grounds:
        assert colour in shown
        assert terminal is not None
        assert colour == terminal.name
        assert colour in drawn


def test_legend_names_both_ends() -> None:
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(legend(1.5, DARK, "neutral"))
    shown = console.export_text()
    assert "−1.50" in shown
    assert "+1.50" in shown
    assert "for neutral" in shown
