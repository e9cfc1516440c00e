"""What commands do: train, evaluate, attribute, import, export, sweep, study.

Each module joins engine and store for one task; the command line only parses and prints.
"""
