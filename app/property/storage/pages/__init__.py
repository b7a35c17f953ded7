"""Stored copies of pages and their texts, an index of page URLs, and the deletion of old copies."""
