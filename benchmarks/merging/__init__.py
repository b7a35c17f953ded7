"""How fast observations become properties, on SQLite and PostgreSQL, and whether that grows with their number."""
