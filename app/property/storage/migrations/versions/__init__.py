"""One file per schema revision, for SQLite and PostgreSQL."""
