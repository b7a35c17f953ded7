"""Purge data about pages, properties, and people, so that it is not stored again."""
