"""The SQLite database: schema and migrations, one reader, one writer, and the filter language.

All SQL is here, and reading imports no torch.
"""
