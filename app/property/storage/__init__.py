"""Everything that lasts: jobs, pages, records, properties, observations and the model's paid answers; and the history
of the keys and the alerts about them.

One `Database` (SQLite or PostgreSQL) with a store per subject on it. Whoever imports from here needs no SQL.
"""
