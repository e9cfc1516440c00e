"""Test sets that need no download: made from templates, or from the pairs of another set."""
