"""Purges and retention of data."""
