"""Store jobs, pages, properties, watches, model answers, and keys in one `Database` (SQLite or PostgreSQL).

Each subject has a store class, so that callers need no SQL.
"""
