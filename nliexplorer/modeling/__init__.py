"""Sequence classifiers of every family: loading, tokenizing, batching, devices and memory.

`load.Classifier` is what the rest of the engine works with.
"""
