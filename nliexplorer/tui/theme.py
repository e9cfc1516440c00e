"""One look, dark and light. Hue is reserved for meaning: labels, runs, attribution, right/wrong."""

from __future__ import annotations

from textual.theme import Theme

from nliexplorer.view.palette import Palette

NIGHT = Theme(
    name="nli-night",
    primary="#8fa3c8",
    secondary="#5ed3c6",
    accent="#ffb454",
    warning="#f0b94a",
    error="#ff7a85",
    success="#7fc97a",
    foreground="#d5dae4",
    background="#0f1319",
    surface="#141a22",
    panel="#1b232e",
    boost="#232d3b",
    dark=True,
    variables={
        "border": "#2a3442",
        "border-blurred": "#222b37",
        "footer-background": "#141a22",
        "footer-key-foreground": "#ffb454",
        "footer-description-foreground": "#8b95a7",
        "footer-item-background": "#141a22",
        "block-cursor-background": "#2b3a50",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1f2937",
        "input-selection-background": "#3f8fd2 40%",
        "scrollbar": "#2a3442",
        "scrollbar-background": "#0f1319",
        "scrollbar-corner-color": "#0f1319",
        "scrollbar-hover": "#3b485a",
        "scrollbar-active": "#ffb454",
    },
)

DAY = Theme(
    name="nli-day",
    primary="#3d5a8a",
    secondary="#0b7a70",
    accent="#b35c05",
    warning="#8a5a00",
    error="#b3264a",
    success="#2f7d32",
    foreground="#1f2733",
    background="#fbfaf7",
    surface="#f4f2ec",
    panel="#ebe8e0",
    boost="#e2ded4",
    dark=False,
    variables={
        "border": "#d5d0c4",
        "border-blurred": "#e0dcd2",
        "footer-background": "#f0ede5",
        "footer-key-foreground": "#b35c05",
        "footer-description-foreground": "#5c6470",
        "footer-item-background": "#f0ede5",
        "block-cursor-background": "#d9e4f2",
        "block-cursor-foreground": "#10151d",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e8e6df",
        "input-selection-background": "#5b9fdd 40%",
        "scrollbar": "#d5d0c4",
        "scrollbar-background": "#fbfaf7",
        "scrollbar-corner-color": "#fbfaf7",
        "scrollbar-hover": "#bdb7a8",
        "scrollbar-active": "#b35c05",
    },
)


def palette_for(theme: Theme, no_color: bool) -> Palette:
    return Palette(dark=theme.dark, mono=no_color)
