"""Where pairs come from: named data sets, the hub, files and folders, the built-in corpus.

`sources.load_split` returns a `LoadedSplit` whose labels were proved or stated (see `labels`).
"""
