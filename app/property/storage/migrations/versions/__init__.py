"""One file per schema change, oldest first. Each file can upgrade and downgrade SQLite and PostgreSQL."""
