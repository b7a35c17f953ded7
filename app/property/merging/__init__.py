"""Decide which records describe the same property, merge them, and detect changes."""
