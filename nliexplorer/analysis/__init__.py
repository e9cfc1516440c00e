"""Statistics: NumPy arrays in, numbers with intervals and tests out.

Knows no database, no screen and no torch.
"""
