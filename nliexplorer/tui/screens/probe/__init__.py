"""The probe screen: type or edit a pair and see how each model's prediction changes."""

from nliexplorer.tui.screens.probe.screen import ProbeScreen

__all__ = ["ProbeScreen"]
