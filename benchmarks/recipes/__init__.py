"""Measure how well recipes learn to read generated sites: saved model calls, correct values, cost."""
