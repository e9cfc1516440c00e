"""Statistics on NumPy arrays: metrics, intervals, tests, slices, calibration.

Imports no database, no screens and no torch.
"""
