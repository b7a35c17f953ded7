"""Purges of pages, properties, and people, and suppression of purged data."""
