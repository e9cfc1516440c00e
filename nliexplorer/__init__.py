"""Train NLI models with an attribution-variance penalty, and see why they are wrong."""

__version__ = "0.1.0"
