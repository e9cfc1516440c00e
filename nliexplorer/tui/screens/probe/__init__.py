"""Typed pairs: what each model says, what an edit changed, which single word matters."""

from nliexplorer.tui.screens.probe.screen import ProbeScreen

__all__ = ["ProbeScreen"]
