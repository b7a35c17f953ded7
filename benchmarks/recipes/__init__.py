"""Measure how well recipes learn generated sites: saved model calls, correct values, cost."""
