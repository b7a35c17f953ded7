"""Copies of pages, their texts, and the names pages go by."""
