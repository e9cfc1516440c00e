"""Attribution methods, Integrated Gradients and others, and measures of how faithful they are.

The training penalty and the heatmaps share one differentiable kernel.
"""
