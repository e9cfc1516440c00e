"""Widgets that screens share: lists, the filter bar, the pair with its heatmaps."""
