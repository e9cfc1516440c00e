"""The study: trains the missing runs of every arm and seed, then makes tables and figures."""
