"""Sequence classifiers of every family: loading, tokenizing, batching, devices and memory.

The rest of the engine works with `load.Classifier`.
"""
