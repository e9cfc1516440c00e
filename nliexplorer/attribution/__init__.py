"""Which words made a model answer so: attribution methods, and how faithful they are.

One differentiable kernel serves the training penalty and the pictures.
"""
