"""Training with a penalty on attributions; usable without the rest of the program.

`trainer.IGTrainer` is a `transformers.Trainer`; `path_penalty.PathPenalty` works in any loop.
"""
