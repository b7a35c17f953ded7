"""Persistent data in one `Database` (SQLite or PostgreSQL): jobs, pages, properties, watches, model answers, and keys.

Each subject has a store, so that callers need no SQL.
"""
