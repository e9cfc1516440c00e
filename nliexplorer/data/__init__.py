"""Where pairs come from: named data sets, hub data sets, files and folders, the built-in corpus.

Every source ends in a `LoadedSplit` whose labels were proved or stated (`labels`).
"""
