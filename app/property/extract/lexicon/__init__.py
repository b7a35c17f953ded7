"""Patterns of words in running text and of kinds of pages."""
