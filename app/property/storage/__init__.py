"""Store jobs, pages, properties, watches, model answers, and keys in one `Database` (SQLite or PostgreSQL).

Callers use stores and functions, and write no SQL.
"""
