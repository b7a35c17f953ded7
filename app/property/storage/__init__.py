"""Store jobs, pages, properties, watches, model answers, and keys in one `Database` (SQLite or PostgreSQL).

Each subject has a store class or functions, so that callers write no SQL.
"""
