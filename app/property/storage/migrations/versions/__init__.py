"""One file per schema change, oldest first. Each goes up and down, on SQLite and on PostgreSQL."""
