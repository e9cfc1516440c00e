"""What a user asks for: train, evaluate, attribute, import, export, study.

Each module joins engine and store for one command; the command line only parses and prints.
"""
