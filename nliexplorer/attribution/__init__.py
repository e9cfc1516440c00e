"""Attribution methods, and measures of how faithful they are.

One differentiable kernel serves the training penalty and the pictures.
"""
