"""Purge data about pages, properties, and people, and keep purged data from being stored again."""
