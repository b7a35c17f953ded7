"""Stored page copies and their retention, and the index of page URLs."""
