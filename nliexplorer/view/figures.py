"""The paper's figures and related ones, as matplotlib figures ready to save."""

from __future__ import annotations

from nliexplorer.view.figures_confidence import (
    confidence_figure,
    published_confidence_figure,
    reliability_figure,
    risk_coverage_figure,
)
from nliexplorer.view.figures_errors import confusion_figure, length_figure, slice_figure
from nliexplorer.view.figures_heatmap import heatmap_figure
from nliexplorer.view.figures_style import save
from nliexplorer.view.figures_training import (
    TrainingCurve,
    dataset_map_figure,
    training_figure,
)

__all__ = [
    "TrainingCurve",
    "confidence_figure",
    "confusion_figure",
    "dataset_map_figure",
    "heatmap_figure",
    "length_figure",
    "published_confidence_figure",
    "reliability_figure",
    "risk_coverage_figure",
    "save",
    "slice_figure",
    "training_figure",
]
