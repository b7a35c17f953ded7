"""Purges, and data that has become too old."""
