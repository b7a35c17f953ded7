"""Decide which records are one property, merge them, and detect changes. Pure."""
