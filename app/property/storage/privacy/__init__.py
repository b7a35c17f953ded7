"""Forgetting pages, properties, and persons, and refusing what was forgotten."""
