"""Everything that lasts: jobs, pages, records, properties, observations and the model's paid answers; and the history
of the keys, their health reports and alerts.

One `Database` (SQLite or PostgreSQL) with a store per subject on it. Whoever imports from here needs no SQL.
"""
