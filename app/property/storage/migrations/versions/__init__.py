"""One file per schema change, oldest first. Each file can upgrade SQLite and PostgreSQL."""
