"""The explorer, a Textual application. Threads read the database; only handlers change widgets."""
