"""Scrape targets: fetch pages and sources, read them, ask the model, and store the results."""
