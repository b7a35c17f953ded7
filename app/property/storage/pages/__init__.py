"""Copies of pages, their texts, and their URLs."""
