"""The explorer, a Textual application.

Threads read the database; only message handlers change widgets.
"""
