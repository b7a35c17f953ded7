"""Purge data about pages, properties, and people, and keep it from being stored again."""
