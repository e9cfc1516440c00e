"""Is it right on a GPU, and how fast: `python -m tests.bench.gpu`, within eight minutes."""
