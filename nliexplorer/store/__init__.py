"""The database: schema and migrations, one reader, one writer, and the filter language.

Reading imports no torch. SQL is written here and nowhere else.
"""
