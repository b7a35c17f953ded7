"""Measure the cost of saving, pruning, purging, and reading with up to ten million observations."""
