"""The palette: symmetric, readable, and meaningful without colour."""

from __future__ import annotations

import pytest
from rich.color import Color
from rich.style import Style

from nliexplorer.view.palette import DARK, LIGHT, STEPS, Palette, heat_mark, heat_step, signed


def luminance(colour: Color | None) -> float:
    """Relative luminance of WCAG 2.1."""
    assert colour is not None
    parts = []
    for channel in colour.get_truecolor():
        share = channel / 255
        parts.append(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(style: Style) -> float:
    light, dark = sorted((luminance(style.color), luminance(style.bgcolor)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [DARK, LIGHT])
@pytest.mark.parametrize("step", [s for s in range(-STEPS, STEPS + 1) if s])
def test_every_step_is_readable(palette: Palette, step: int) -> None:
    assert contrast(palette.heat(step)) >= 4.5


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_grounds_move_evenly_away_from_the_page(palette: Palette) -> None:
    for sign in (1, -1):
        values = [luminance(palette.heat(sign * s).bgcolor) for s in range(1, STEPS + 1)]
        assert values == sorted(values, reverse=not palette.dark)


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_blue_is_against_and_orange_for(palette: Palette) -> None:
    for step in range(1, STEPS + 1):
        red, _, blue = palette.heat(step).bgcolor.get_truecolor()  # type: ignore[union-attr]
        assert red > blue
        red, _, blue = palette.heat(-step).bgcolor.get_truecolor()  # type: ignore[union-attr]
        assert blue > red


def test_steps_are_symmetric_and_bounded() -> None:
    assert [heat_step(x / 10, 1.0) for x in (-20, -10, -3, 0, 3, 10, 20)] == [
        -5,
        -5,
        -2,
        0,
        2,
        5,
        5,
    ]
    assert heat_step(1.0, 0.0) == 0
    assert heat_step(float("nan"), 1.0) == 0


def test_without_colour_sign_and_strength_remain() -> None:
    assert [heat_mark(step) for step in (-5, -3, -1, 0, 1, 3, 5)] == [
        "−−−", "−−", "−", "", "+", "++", "+++",
    ]  # fmt: skip
    for step in range(-STEPS, STEPS + 1):
        assert Palette(mono=True).heat(step).color is None
        assert Palette(mono=True).heat(step).bgcolor is None
    assert Palette(mono=True).heat(5).bold
    assert not Palette(mono=True).heat(1).bold


def test_signed_figures() -> None:
    assert [signed(x) for x in (1.234, -0.5, 0.0, -0.001)] == ["+1.23", "−0.50", "0.00", "0.00"]
