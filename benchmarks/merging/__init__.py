"""Measure how fast observations are merged into properties on SQLite and PostgreSQL, and how size affects speed."""
