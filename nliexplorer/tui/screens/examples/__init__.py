"""The examples screen: the list of pairs, and the pair in view with every run's heatmap."""

from nliexplorer.tui.screens.examples.screen import ExamplesScreen

__all__ = ["ExamplesScreen"]
