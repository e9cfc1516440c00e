"""The pairs: filter, list, and the pair in view with each run's heatmap."""

from nliexplorer.tui.screens.examples.screen import ExamplesScreen

__all__ = ["ExamplesScreen"]
