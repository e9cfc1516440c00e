"""Runs side by side on the pairs they share: the numbers that CLI, explorer and report draw.

pairs       which evaluations, cut to the pairs that all runs predicted and that are selected
tables      comparisons with intervals, confusions, calibrations of those runs
slices      error rates by slice, and the slices where runs differ most
attributed  which words get the attribution, and how it is spread
groups      two groups of runs over seeds
"""
